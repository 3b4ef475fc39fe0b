"""Implementation of `py_abi_wheel`: a wheel for one ABI, tagged by toolchain and platform."""

load("//bazel/toolchains/python:abi.bzl", "PythonAbiInfo")
load(":wheel_info.bzl", "WheelInfo")
load(":wheel_rule.bzl", "WHEEL_ATTRS", "make_wheel")

def _py_abi_wheel_impl(ctx):
    abi = ctx.attr.abi[PythonAbiInfo]
    return make_wheel(
        ctx,
        abi_tag = abi.abi_tag,
        ext_suffix = abi.ext_suffix,
        extension = ctx.files.extension,
        license_expression = ctx.attr.license_expression,
        python_tag = abi.python_tag,
    )

py_abi_wheel = rule(
    implementation = _py_abi_wheel_impl,
    attrs = WHEEL_ATTRS | {
        "abi": attr.label(
            doc = "The Python ABI that the extension is built for.",
            mandatory = True,
            providers = [PythonAbiInfo],
        ),
        "extension": attr.label(
            doc = "The extension module.",
            mandatory = True,
        ),
        "license_expression": attr.string(
            doc = "SPDX expression (PEP 639).",
            mandatory = True,
        ),
    },
    doc = "Writes a wheel, and checks it. Its Python, ABI and platform tags come from `abi` and " +
          "the target platform.",
    provides = [WheelInfo],
)
