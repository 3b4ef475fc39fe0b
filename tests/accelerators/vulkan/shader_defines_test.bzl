"""Analysis test: the generator of shaders and the library that uses them are compiled with the same
feature defines."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//third_party/vulkan:glslc_features.bzl", "GLSLC_FEATURES")

_PREFIX = "-DGGML_VULKAN_"

def _features(argv):
    return sorted([flag for flag in argv if flag.startswith(_PREFIX)])

def _shader_defines_test_impl(ctx):
    env = analysistest.begin(ctx)
    compiles = [
        action
        for action in analysistest.target_actions(env)
        if action.mnemonic == "CppCompile"
    ]
    asserts.true(env, compiles, "the target compiles nothing")
    expected = sorted([_PREFIX + feature.upper() + "_GLSLC_SUPPORT" for feature in GLSLC_FEATURES])
    for action in compiles:
        asserts.equals(env, expected, _features(action.argv))
    return analysistest.end(env)

_shader_defines_test = analysistest.make(_shader_defines_test_impl)

def shader_defines_test(name):
    """Declares a test of each.

    Args:
      name: prefix of the tests, and the name of the suite.
    """
    tests = {
        name + "_generator": "@llama_cpp//:vulkan-shaders-gen",
        name + "_library": "@llama_cpp//:ggml-vulkan_objects",
    }
    for test, target in tests.items():
        _shader_defines_test(
            name = test,
            size = "small",
            target_under_test = target,
        )
    native.test_suite(name = name, tests = tests.keys())
