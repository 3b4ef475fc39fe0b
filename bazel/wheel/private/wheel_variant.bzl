"""Implementation of `wheel_variant`: a backend's wheel under the names of PEP 825."""

load(":variant_table.bzl", "VariantTableInfo")
load(":wheel_info.bzl", "WheelInfo")

def _file_names(ctx):
    """Names of the wheels that make_variant.py writes."""
    variant = ctx.attr.table[VariantTableInfo].variants.get(ctx.attr.accelerator_label)
    if not variant:
        fail((
            "{}: no variant is described for the accelerator label {}; add a row to //{}:{}"
        ).format(
            ctx.label,
            repr(ctx.attr.accelerator_label),
            ctx.attr.table.label.package,
            ctx.attr.table.label.name,
        ))
    wheel = ctx.attr.wheel[WheelInfo]
    plain = "-".join([
        wheel.distribution.replace("-", "_"),
        wheel.version,
        wheel.python_tag,
        wheel.abi_tag,
        wheel.platform_tag,
    ])
    names = [plain + "-" + variant.label]
    return names + [plain] if variant.is_plain else names

def _wheel_variant_impl(ctx):
    # A directory of its own: without a local label the plain wheel is called as the wheel that it
    # is made of.
    wheels = [
        ctx.actions.declare_file("{}/{}.whl".format(ctx.label.name, name))
        for name in _file_names(ctx)
    ]
    wheel = ctx.attr.wheel[WheelInfo].wheel
    arguments = ctx.actions.args()
    table = ctx.attr.table[VariantTableInfo].file
    arguments.add("--table", table)
    arguments.add("--accelerator", ctx.attr.accelerator_label)
    arguments.add("--out", wheels[0].dirname)
    arguments.add(wheel)
    ctx.actions.run(
        arguments = [arguments],
        executable = ctx.executable._make_variant,
        inputs = [table, wheel],
        mnemonic = "WheelVariant",
        outputs = wheels,
        progress_message = "Making variants of " + wheel.basename,
    )
    return [DefaultInfo(files = depset(wheels))]

wheel_variant = rule(
    implementation = _wheel_variant_impl,
    attrs = {
        "accelerator_label": attr.string(
            doc = "Row of the table: the local version label of the accelerator that the wheel " +
                  "is built for.",
            mandatory = True,
        ),
        "table": attr.label(
            doc = "The `variant_table`.",
            mandatory = True,
            providers = [VariantTableInfo],
        ),
        "wheel": attr.label(
            doc = "The wheel of one backend, such as `py_abi_wheel` writes it.",
            mandatory = True,
            providers = [WheelInfo],
        ),
        "_make_variant": attr.label(
            cfg = "exec",
            default = Label("//bazel/wheel/private:make_variant"),
            executable = True,
        ),
    },
    doc = """Makes the variant wheel (PEP 825) of plain version X from a backend's wheel X+<label>.

The payload is copied. For the backend that everybody can run the wheel without a variant is made
too, for installers that know no variants.""",
)
