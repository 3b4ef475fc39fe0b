"""Analysis tests of `wheel_variant`: the files that it declares, and its message for an accelerator
without a row."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//bazel/wheel:defs.bzl", "wheel_variant")

def _names_test_impl(ctx):
    env = analysistest.begin(ctx)
    files = analysistest.target_under_test(env)[DefaultInfo].files.to_list()
    asserts.equals(env, ctx.attr.names, sorted([file.basename for file in files]))
    actions = analysistest.target_actions(env)
    [action] = [action for action in actions if action.mnemonic == "WheelVariant"]
    for argument in action.argv:
        asserts.false(env, argument.startswith("/"), "an absolute path: " + argument)
    return analysistest.end(env)

_names_test = analysistest.make(
    _names_test_impl,
    attrs = {"names": attr.string_list(doc = "Files that the target has.")},
)

def _unknown_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.expect_failure(
        env,
        "no variant is described for the accelerator label \"quantum\"; " +
        "add a row to //packaging:variants",
    )
    return analysistest.end(env)

_unknown_test = analysistest.make(_unknown_test_impl, expect_failure = True)

def wheel_variant_tests(name, variants):
    """Declares the tests.

    Args:
      name: prefix of their names.
      variants: wheel_variant target of a small wheel -> names of its files.
    """
    wheel_variant(
        name = name + "_unknown",
        accelerator_label = "quantum",
        table = "//packaging:variants",
        # Analysed by the test alone, which expects it to fail.
        tags = ["manual"],
        wheel = ":cpu_wheel",
    )
    _unknown_test(
        name = name + "_unknown_test",
        target_under_test = name + "_unknown",
    )
    tests = [name + "_unknown_test"]
    for variant, names in variants.items():
        _names_test(
            name = "{}_{}_test".format(name, variant),
            names = sorted(names),
            target_under_test = variant,
        )
        tests.append("{}_{}_test".format(name, variant))
    native.test_suite(
        name = name,
        tests = tests,
    )
