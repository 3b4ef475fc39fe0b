"""`glslc_features_test`: the pinned list of glslc's features equals its real ones."""

load("@bazel_skylib//rules:diff_test.bzl", "diff_test")
load("@bazel_skylib//rules:write_file.bzl", "write_file")
load("//third_party/vulkan:glslc_features.bzl", "GLSLC_FEATURES")

# Compiles llama.cpp's feature tests, as its CMakeLists.txt does.
_COMMAND = """
for test in $(execpaths @llama_cpp//:vulkan_feature_tests); do
    if $(execpath @vulkan_glslc//:glslc) -o /dev/null -fshader-stage=compute \\
        --target-env=vulkan1.3 $$test 2> /dev/null; then
        basename $$test .comp
    fi
done | sort > $@
"""

def glslc_features_test(name):
    """Declares the test.

    Args:
      name: its name.
    """
    native.genrule(
        name = name + "_found",
        testonly = True,
        srcs = ["@llama_cpp//:vulkan_feature_tests"],
        outs = [name + "_found.txt"],
        cmd = _COMMAND,
        tools = [
            "@vulkan_glslc//:glslc",
            "@vulkan_glslc//:libraries",
        ],
    )
    write_file(
        name = name + "_pinned",
        out = name + "_pinned.txt",
        content = sorted(GLSLC_FEATURES) + [""],
    )
    diff_test(
        name = name,
        size = "small",
        failure_message = "Correct third_party/vulkan/glslc_features.bzl, or pin another glslc.",
        file1 = name + "_pinned.txt",
        file2 = name + "_found.txt",
    )
