"""Analysis tests: each machine that zig has a wheel for compiles with that wheel."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")

def _test_impl(ctx):
    env = analysistest.begin(ctx)
    compiles = [
        action
        for action in analysistest.target_actions(env)
        if action.mnemonic == "CppCompile"
    ]
    asserts.true(env, compiles, "the target compiles nothing")
    for action in compiles:
        compilers = [file.path for file in action.inputs.to_list() if file.basename == "zig"]
        asserts.equals(env, 1, len(compilers))
        asserts.true(
            env,
            "zig_{}/zig".format(ctx.attr.machine) in compilers[0],
            "{} is not that of {}".format(compilers[0], ctx.attr.machine),
        )
    return analysistest.end(env)

def _make(machine):
    platform = [Label("//platforms:" + machine)]
    return analysistest.make(
        _test_impl,
        attrs = {"machine": attr.string(doc = "Machine that compiles, below //platforms.")},
        config_settings = {
            "//command_line_option:extra_execution_platforms": [str(platform[0])],
            "//command_line_option:platforms": platform,
        },
    )

# A rule carries its configuration, so there is one per machine.
build_machine_linux_aarch64_test = _make("linux_aarch64")
build_machine_linux_x86_64_test = _make("linux_x86_64")
build_machine_macos_aarch64_test = _make("macos_aarch64")

_RULES = {
    "linux_aarch64": build_machine_linux_aarch64_test,
    "linux_x86_64": build_machine_linux_x86_64_test,
    "macos_aarch64": build_machine_macos_aarch64_test,
}

def build_machines_tests(name, **kwargs):
    """Declares a test per machine, which fetches its zig.

    Args:
      name: prefix of the tests, and the name of the suite.
      **kwargs: passed on to the suite.
    """
    tests = ["{}_{}".format(name, machine) for machine in _RULES]
    for test, (machine, rule) in zip(tests, _RULES.items()):
        rule(
            name = test,
            machine = machine,
            tags = ["manual"],
            target_under_test = "@llama_cpp//:ggml_base_objects",
        )
    native.test_suite(name = name, tags = ["manual"], tests = tests, **kwargs)
