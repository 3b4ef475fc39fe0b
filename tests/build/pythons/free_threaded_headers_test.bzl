"""Headers of an ordinary Python serve a free-threaded ABI with one macro more."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("@rules_cc//cc:cc_library.bzl", "cc_library")
load("//bazel/toolchains/python:abi.bzl", "PythonAbiInfo")

# buildifier: disable=bzl-visibility
load("//bazel/toolchains/python/private:targets.bzl", "python_headers")

def _compile_test_impl(ctx):
    env = analysistest.begin(ctx)
    arguments = [
        argument
        for action in analysistest.target_actions(env)
        if action.mnemonic == "CppCompile"
        for argument in action.argv
    ]
    asserts.true(env, "-DPy_GIL_DISABLED=1" in arguments)
    return analysistest.end(env)

_compile_test = analysistest.make(_compile_test_impl)

def _abi_test_impl(ctx):
    env = analysistest.begin(ctx)
    abi = analysistest.target_under_test(env)[PythonAbiInfo]
    asserts.equals(env, "cp314t", abi.abi_tag)
    asserts.equals(env, "cp314", abi.python_tag)
    asserts.true(env, abi.free_threaded)
    return analysistest.end(env)

_abi_test = analysistest.make(_abi_test_impl)

def free_threaded_headers_test(name):
    """Declares the tests and their targets.

    Args:
      name: name of the suite.
    """
    python_headers(
        name = "free_threaded_headers",
        abi_tag = "cp314t",
        ext_suffix = ".so",
        machine = "linux_x86_64",
        of_ordinary_build = True,
        python_version = "3.14",
    )
    cc_library(
        name = "extension",
        srcs = ["abi_probe.c"],
        tags = ["manual"],
        deps = [":free_threaded_headers"],
    )
    _compile_test(
        name = name + "_compile",
        target_under_test = ":extension",
    )
    _abi_test(
        name = name + "_abi",
        target_under_test = ":abi",
    )
    native.test_suite(
        name = name,
        tests = [
            name + "_abi",
            name + "_compile",
        ],
    )
