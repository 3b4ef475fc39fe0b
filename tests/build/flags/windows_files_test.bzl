"""Analysis tests: file names and compile flags for Windows, which need no build."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")

def _files_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    names = [file.basename for file in target[DefaultInfo].files.to_list()]
    asserts.true(env, ctx.attr.file in names, "{} is not among {}".format(ctx.attr.file, names))
    return analysistest.end(env)

def _compile_test_impl(ctx):
    env = analysistest.begin(ctx)
    actions = [
        action
        for action in analysistest.target_actions(env)
        if action.mnemonic == "CppCompile"
    ]
    asserts.true(env, actions, "the target compiles nothing")
    for action in actions:
        asserts.true(env, "x86_64-windows-gnu" in action.argv, "the target is not Windows")
        asserts.false(env, "-fPIC" in action.argv, "clang refuses -fPIC for Windows")
    return analysistest.end(env)

_FOR_WINDOWS = {
    "//command_line_option:platforms": [Label("//platforms:windows_x86_64")],
}

_files_test = analysistest.make(
    _files_test_impl,
    attrs = {"file": attr.string(doc = "Name of a file that the target has.")},
    config_settings = _FOR_WINDOWS,
)

_compile_test = analysistest.make(_compile_test_impl, config_settings = _FOR_WINDOWS)

# Target -> its file.
_FILES = {
    "//native/probe:ggml-cpu-probe": "ggml-cpu-probe.exe",
    "@llama_cpp//:ggml-base_so": "llama_cpp_python-ggml-base.dll",
    "@llama_cpp//:ggml-cpu-haswell_so": "ggml-cpu-haswell.dll",
}

def windows_files_tests(name):
    """Declares the tests.

    Args:
      name: prefix of the tests, and the name of the suite.
    """
    tests = []
    for target, file in _FILES.items():
        test = "{}_{}".format(name, file)
        _files_test(
            name = test,
            file = file,
            target_under_test = target,
        )
        tests.append(test)
    _compile_test(
        name = name + "_compile",
        target_under_test = "@llama_cpp//:ggml_base_objects",
    )
    native.test_suite(
        name = name,
        tests = tests + [name + "_compile"],
    )
