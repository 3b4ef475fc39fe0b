"""Implementation of `py_plugin_wheel`: native libraries for another wheel, for any Python."""

load(":wheel_info.bzl", "WheelComponentInfo", "WheelInfo")
load(":wheel_rule.bzl", "WHEEL_ATTRS", "make_wheel")

def _license_expression(ctx):
    """Returns the licences of the components, which hold together."""
    licenses = {}
    for component in ctx.attr.components:
        for operand in component[WheelComponentInfo].license_expression.split(" AND "):
            licenses[operand] = None
    return " AND ".join(sorted(licenses))

def _py_plugin_wheel_impl(ctx):
    return make_wheel(
        ctx,
        abi_tag = "none",
        license_expression = _license_expression(ctx),
        python_tag = "py3",
    )

py_plugin_wheel = rule(
    implementation = _py_plugin_wheel_impl,
    attrs = WHEEL_ATTRS,
    doc = "Writes a `py3-none-<platform>` wheel of libraries that the process of another wheel " +
          "opens, and checks it. `policy` lists their imports from that wheel and exports to it. " +
          "Its licence expression is that of its components.",
    provides = [WheelInfo],
)
