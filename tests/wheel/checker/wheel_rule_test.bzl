"""The wheel rules' providers: WheelInfo, and a validation that runs whenever a wheel is built."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//bazel/toolchains/python:abi.bzl", "PythonAbiInfo")
load("//bazel/wheel:defs.bzl", "WheelInfo")

def _expectation(env, target):
    """Asserts that the wheel is validated; returns the checker's expectations."""
    checks = [
        action
        for action in analysistest.target_actions(env)
        if action.mnemonic == "CheckWheel"
    ]
    asserts.equals(env, 1, len(checks))
    asserts.true(env, target[WheelInfo].wheel in checks[0].inputs.to_list())
    asserts.equals(env, checks[0].outputs.to_list(), target[OutputGroupInfo]._validation.to_list())
    return [
        json.decode(action.content)
        for action in analysistest.target_actions(env)
        if action.outputs.to_list()[0].basename.endswith(".expected.json")
    ][0]

def _wheel_rule_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    info = target[WheelInfo]
    asserts.equals(env, target[DefaultInfo].files.to_list(), [info.wheel])
    asserts.equals(
        env,
        "{}-{}+{}-{}-{}-{}.whl".format(
            info.distribution.replace("-", "_"),
            info.version,
            info.local_label,
            info.python_tag,
            info.abi_tag,
            info.platform_tag,
        ),
        info.wheel.basename,
    )

    # The checker compares the wheel with the toolchain, not with the wheel's own claims.
    expected = _expectation(env, target)
    abi = ctx.attr._abi[PythonAbiInfo]
    asserts.equals(env, abi.ext_suffix, expected["ext_suffix"])
    asserts.equals(env, abi.abi_tag, expected["abi_tag"])
    asserts.equals(env, "cpu", expected["accelerator"])
    return analysistest.end(env)

wheel_rule_test = analysistest.make(
    _wheel_rule_test_impl,
    attrs = {
        "_abi": attr.label(
            default = "@local_python//:abi",
            providers = [PythonAbiInfo],
        ),
    },
)

def _plugin_wheel_rule_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    info = target[WheelInfo]
    asserts.equals(env, target[DefaultInfo].files.to_list(), [info.wheel])
    asserts.equals(env, "", info.local_label)
    asserts.equals(
        env,
        "llama_cpp_backend_vulkan-{}-py3-none-{}.whl".format(info.version, info.platform_tag),
        info.wheel.basename,
    )
    expected = _expectation(env, target)
    asserts.equals(env, "none", expected["abi_tag"])
    asserts.equals(env, "", expected["ext_suffix"])
    return analysistest.end(env)

plugin_wheel_rule_test = analysistest.make(_plugin_wheel_rule_test_impl)

def _clashing_files_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.expect_failure(
        env,
        "would both be zig/LICENSE of the wheel; leave one out, or give it another name",
    )
    return analysistest.end(env)

clashing_files_test = analysistest.make(_clashing_files_test_impl, expect_failure = True)
