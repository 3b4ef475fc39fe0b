"""`small_wheel`: stands for the wheel of one backend where a test needs none that does anything."""

load("//bazel/wheel:defs.bzl", "WheelInfo")

def _small_wheel_impl(ctx):
    label = ctx.attr.label_of_backend
    wheel = ctx.actions.declare_file("{}/demo-1.0+{}-py3-none-any.whl".format(
        ctx.label.name,
        label,
    ))
    ctx.actions.run(
        arguments = [wheel.path] + ctx.attr.requires,
        executable = ctx.executable._writer,
        mnemonic = "SmallWheel",
        outputs = [wheel],
    )
    return [
        DefaultInfo(files = depset([wheel])),
        WheelInfo(
            abi_tag = "none",
            distribution = "demo",
            local_label = label,
            platform_tag = "any",
            python_tag = "py3",
            version = "1.0",
            wheel = wheel,
        ),
    ]

small_wheel = rule(
    implementation = _small_wheel_impl,
    attrs = {
        "label_of_backend": attr.string(
            doc = "Local version label.",
            mandatory = True,
        ),
        "requires": attr.string_list(
            doc = "Requires-Dist of METADATA.",
        ),
        "_writer": attr.label(
            cfg = "exec",
            default = ":small_wheels",
            executable = True,
        ),
    },
    doc = "A wheel `demo` 1.0+<label> for every Python and platform.",
)
