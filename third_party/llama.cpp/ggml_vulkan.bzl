"""ggml's Vulkan backend. Source: llama.cpp, ggml/src/ggml-vulkan/CMakeLists.txt."""

load("@rules_cc//cc:cc_binary.bzl", "cc_binary")
load("@rules_cc//cc:cc_library.bzl", "cc_library")
load("//third_party/vulkan:glslc_features.bzl", "GLSLC_FEATURES")
load(":ggml.bzl", "GGML_LOCAL_DEFINES", "source_root")
load(":native_library.bzl", "NATIVE_COPTS", "NATIVE_CXX_STANDARD", "native_library")
load(":vulkan_shaders.bzl", "vulkan_shaders")

_DIR = "ggml/src/ggml-vulkan/"
_SHADERS = _DIR + "vulkan-shaders/"

# Which variants of shaders there are. The generator and the library must agree, so both have them
# from here.
VULKAN_FEATURE_DEFINES = [
    "GGML_VULKAN_{}_GLSLC_SUPPORT".format(feature.upper())
    for feature in GLSLC_FEATURES
]

def ggml_vulkan(name):
    """Declares `ggml-vulkan`.

    Args:
      name: name of the library.
    """

    # Upstream's tests of a compiler.
    native.filegroup(
        name = "vulkan_feature_tests",
        srcs = native.glob([_SHADERS + "feature-tests/*.comp"]),
    )
    cc_binary(
        name = "vulkan-shaders-gen",
        srcs = [_SHADERS + "vulkan-shaders-gen.cpp"],
        copts = NATIVE_CXX_STANDARD,
        local_defines = VULKAN_FEATURE_DEFINES,
    )
    vulkan_shaders(
        name = name + "_shaders",
        srcs = native.glob([_SHADERS + "*.comp"]),
        folder = "generated/vulkan",
        generator = ":vulkan-shaders-gen",
        glslc = "@vulkan_glslc//:glslc",
        glslc_files = "@vulkan_glslc//:libraries",
        includes = native.glob([_SHADERS + "*.glsl"]),
    )
    native.filegroup(
        name = name + "_shaders_header",
        srcs = [":" + name + "_shaders"],
        output_group = "header",
    )
    cc_library(
        name = name + "_shader_headers",
        hdrs = [":" + name + "_shaders_header"],
        includes = ["generated/vulkan"],
    )
    cc_library(
        name = name + "_shader_objects",
        srcs = [":" + name + "_shaders"],
        # Data alone: nothing to optimise.
        copts = NATIVE_CXX_STANDARD + ["-fvisibility=hidden"],
        deps = [":" + name + "_shader_headers"],
    )
    cc_library(
        name = name + "_objects",
        srcs = native.glob([_DIR + "*.cpp"]),
        alwayslink = True,
        copts = NATIVE_COPTS + NATIVE_CXX_STANDARD + ["-I{}/ggml/src".format(source_root())],
        local_defines = GGML_LOCAL_DEFINES + VULKAN_FEATURE_DEFINES + ["GGML_BACKEND_BUILD"],
        textual_hdrs = native.glob([_DIR + "*.h"]),
        deps = [
            # Linked from ggml-base (dynamic_deps of native_library).
            ":ggml_base_objects",
            ":ggml_private_headers",
            ":{}_shader_headers".format(name),
            ":{}_shader_objects".format(name),
            "@llama_cpp_python//third_party/vulkan:loader",
            "@vulkan_headers//:headers",
        ],
    )
    native_library(
        name = name,
        dynamic_deps = ["ggml-base"],
        exports = ["ggml_backend_init"],
        target_compatible_with = select({
            "@platforms//os:linux": [],
            "@platforms//os:windows": [],
            "//conditions:default": ["@platforms//:incompatible"],
        }),
        deps = [":" + name + "_objects"],
    )
