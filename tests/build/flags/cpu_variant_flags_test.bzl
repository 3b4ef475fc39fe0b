"""Analysis tests: the flags of each CPU variant of ggml, also for other CPUs than this one."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//third_party/llama.cpp:cpu_variants.bzl", "CPU_VARIANTS")

def _compile_actions(env):
    return [
        action
        for action in analysistest.target_actions(env)
        if action.mnemonic == "CppCompile"
    ]

def _arch_flags(argv):
    """Flags that choose instructions; `-mllvm` and friends are none."""
    return [flag for flag in argv if flag.startswith("-m") and not flag.startswith("-mllvm")]

def _flags_test_impl(ctx):
    env = analysistest.begin(ctx)
    actions = _compile_actions(env)
    asserts.true(env, actions, "the target compiles nothing")
    for action in actions:
        asserts.equals(env, ctx.attr.arch_flags, _arch_flags(action.argv))
        for flag in action.argv:
            asserts.false(env, flag.endswith("=native"), "a flag of the build host: " + flag)
            asserts.false(env, flag.startswith("/") or "=/" in flag, "an absolute path: " + flag)
        for define in ctx.attr.expected_defines:
            asserts.true(env, "-D" + define in action.argv, "-D{} is missing".format(define))
        asserts.true(env, "-O3" in action.argv, "-O3 is missing")
        asserts.true(env, "-fvisibility=hidden" in action.argv, "-fvisibility=hidden is missing")
    return analysistest.end(env)

def _make(platform):
    return analysistest.make(
        _flags_test_impl,
        attrs = {
            "arch_flags": attr.string_list(
                doc = "Exactly the flags that choose instructions, in order.",
            ),
            "expected_defines": attr.string_list(doc = "Defines that every action has."),
        },
        config_settings = {
            "//command_line_option:platforms": [Label("//platforms:" + platform)],
        },
    )

# A rule carries its configuration, so there is one per machine.
cpu_variant_flags_x86_64_test = _make("linux_x86_64")
cpu_variant_flags_aarch64_test = _make("linux_aarch64")
cpu_variant_flags_macos_aarch64_test = _make("macos_aarch64")

_RULES = {
    "aarch64": cpu_variant_flags_aarch64_test,
    "macos_aarch64": cpu_variant_flags_macos_aarch64_test,
    "x86_64": cpu_variant_flags_x86_64_test,
}

def cpu_variant_flags_tests(name):
    """Declares two tests per variant: kernels have the table's flags, the score function none.

    Args:
      name: prefix of the tests, and the name of the suite.
    """
    tests = []
    for machine, table in CPU_VARIANTS.items():
        for variant, spec in table.variants.items():
            for unit, flags in {"objects": spec.copts, "score": []}.items():
                test = "{}_{}_{}".format(name, variant, unit)
                _RULES[machine](
                    name = test,
                    arch_flags = flags,
                    expected_defines = spec.defines + ["GGML_BACKEND_DL", "GGML_BACKEND_BUILD"],
                    target_under_test = "@llama_cpp//:ggml-cpu-{}_{}".format(variant, unit),
                )
                tests.append(test)
    native.test_suite(name = name, tests = tests)
