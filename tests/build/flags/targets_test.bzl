"""Analysis tests: compiler targets, CPU variants and wheel tags for musl and Intel's Macs."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//bazel/wheel:defs.bzl", "WheelInfo")

# Platform below //platforms -> facts.
_PLATFORMS = {
    "linux_aarch64_musl_1_2": struct(
        cpu_variants = 8,
        tag = "musllinux_1_2_aarch64",
        target = "aarch64-linux-musl",
    ),
    "linux_x86_64_musl_1_2": struct(
        cpu_variants = 14,
        tag = "musllinux_1_2_x86_64",
        target = "x86_64-linux-musl",
    ),
    "macos_x86_64": struct(
        cpu_variants = 6,
        tag = "macosx_13_0_x86_64",
        target = "x86_64-macos.13.0",
    ),
}

def _compiler_target(env, _target):
    for action in analysistest.target_actions(env):
        if action.mnemonic == "CppCompile":
            return action.argv[action.argv.index("-target") + 1]
    return "the target compiles nothing"

def _number_of_files(_env, target):
    return str(len(target[DefaultInfo].files.to_list()))

def _platform_tag(_env, target):
    return target[WheelInfo].platform_tag

# Kind of test -> its target, and a function that returns the fact about it.
_KINDS = {
    "compile": ("@llama_cpp//:ggml_base_objects", _compiler_target),
    "variants": ("@llama_cpp//:ggml-cpu", _number_of_files),
    "wheel": ("//tests/accelerators:plugin_wheel", _platform_tag),
}

def _test_impl(ctx):
    env = analysistest.begin(ctx)
    _, fact = _KINDS[ctx.attr.kind]
    asserts.equals(env, ctx.attr.expected, fact(env, analysistest.target_under_test(env)))
    return analysistest.end(env)

def _make(platform):
    return analysistest.make(
        _test_impl,
        attrs = {
            "expected": attr.string(doc = "The fact."),
            "kind": attr.string(
                doc = "Kind of test.",
                values = _KINDS.keys(),
            ),
        },
        config_settings = {
            "//command_line_option:platforms": [Label("//platforms:" + platform)],
        },
    )

# A rule carries its configuration, so there is one per platform.
targets_linux_aarch64_musl_test = _make("linux_aarch64_musl_1_2")
targets_linux_x86_64_musl_test = _make("linux_x86_64_musl_1_2")
targets_macos_x86_64_test = _make("macos_x86_64")

_RULES = {
    "linux_aarch64_musl_1_2": targets_linux_aarch64_musl_test,
    "linux_x86_64_musl_1_2": targets_linux_x86_64_musl_test,
    "macos_x86_64": targets_macos_x86_64_test,
}

def targets_tests(name):
    """Declares the tests, three per platform.

    Args:
      name: prefix of the tests, and the name of the suite.
    """
    tests = []
    for platform, facts in _PLATFORMS.items():
        for kind, expected in {
            "compile": facts.target,
            "variants": str(facts.cpu_variants),
            "wheel": facts.tag,
        }.items():
            test = "{}_{}_{}".format(name, platform, kind)
            _RULES[platform](
                name = test,
                expected = expected,
                kind = kind,
                target_under_test = _KINDS[kind][0],
            )
            tests.append(test)
    native.test_suite(name = name, tests = tests)
