"""ggml's Metal backend. Source: llama.cpp, ggml/src/ggml-metal/CMakeLists.txt."""

load("@bazel_skylib//rules:copy_file.bzl", "copy_file")
load("@macos_sdk//:facts.bzl", _SDK_VERSION = "VERSION")
load("@rules_cc//cc:cc_library.bzl", "cc_library")
load("//platforms:macos.bzl", "MACOS_DEPLOYMENT_TARGET")
load(":ggml.bzl", "GGML_LOCAL_DEFINES", "source_root")
load(":metal_kernels.bzl", "metal_kernels")
load(
    ":native_library.bzl",
    "NATIVE_COPTS",
    "NATIVE_CXX_STANDARD",
    "NATIVE_C_STANDARD",
    "native_library",
)

_DIR = "ggml/src/ggml-metal/"
_KERNELS = _DIR + "kernels/"

# Included by kernels, and none themselves.
_SHARED = [
    _KERNELS + "fa_common.metal",
    _KERNELS + "fa_vec_common.metal",
]

_OBJECTIVE_C = [
    "ggml-metal-context",
    "ggml-metal-device",
]

METAL_FRAMEWORKS = [
    "Foundation",
    "Metal",
    "MetalKit",
]

# Foundation re-exports these: Apple's linker finds them by that and zig's does not.
_REEXPORTED_FRAMEWORKS = ["CoreFoundation"]

_SDK = Label("@macos_sdk//:files").workspace_root

# zig has headers of the newest macOS, and would say so to sources that ask for the SDK's
# declarations.
_SDK_DEFINES = [
    "__MAC_OS_X_VERSION_MAX_ALLOWED={}".format(_SDK_VERSION),
    "__MAC_OS_X_VERSION_MIN_REQUIRED={}{}00".format(
        MACOS_DEPLOYMENT_TARGET[0],
        ("0" + str(MACOS_DEPLOYMENT_TARGET[1]))[-2:],
    ),
]

_ON_MACOS = ["@platforms//os:macos"]

def _objective_c(name):
    """Makes C files of Objective-C ones: cc_library takes no `.m`, and objc_library wants Xcode.

    Args:
      name: file name without suffix.

    Returns:
      The file.
    """
    out = "generated/metal/{}.m.c".format(name)
    copy_file(
        name = name + "_source",
        src = _DIR + name + ".m",
        out = out,
    )
    return out

def ggml_metal(name):
    """Declares `ggml-metal`, with the kernels' text inside.

    Args:
      name: name of the library.
    """
    metal_kernels(
        name = name + "_kernels",
        srcs = native.glob(
            [_KERNELS + "*.metal"],
            exclude = _SHARED,
        ),
        folder = "generated/metal",
        includes = native.glob([_KERNELS + "*.h"]) + _SHARED + [
            "ggml/src/ggml-common.h",
            _DIR + "ggml-metal-impl.h",
        ],
    )
    cc_library(
        name = name + "_embedded",
        srcs = [":" + name + "_kernels"],
        alwayslink = True,
        target_compatible_with = _ON_MACOS,
    )
    common = dict(
        alwayslink = True,
        local_defines = GGML_LOCAL_DEFINES + _SDK_DEFINES + [
            "GGML_BACKEND_BUILD",
            "GGML_METAL_EMBED_LIBRARY",
        ],
        target_compatible_with = _ON_MACOS,
        textual_hdrs = native.glob([_DIR + "*.h"]),
        deps = [
            # Linked from libggml-base (dynamic_deps of native_library).
            ":ggml_base_objects",
            ":ggml_private_headers",
        ],
        additional_compiler_inputs = ["@macos_sdk//:files"],
    )
    copts = NATIVE_COPTS + [
        "-I{}/ggml/src".format(source_root()),
        "-I{}/{}".format(source_root(), _DIR.removesuffix("/")),
        "-iframework",
        _SDK + "/Frameworks",
        "-isystem",
        _SDK + "/include",
    ]
    cc_library(
        name = name + "_objc",
        srcs = [_objective_c(unit) for unit in _OBJECTIVE_C],
        copts = ["-x", "objective-c"] + NATIVE_C_STANDARD + copts,
        **common
    )
    cc_library(
        name = name + "_objects",
        srcs = native.glob([_DIR + "*.cpp"]),
        copts = NATIVE_CXX_STANDARD + copts,
        **common
    )
    native_library(
        name = name,
        dynamic_deps = ["ggml-base"],
        exports = ["ggml_backend_init"],
        link_flags = ["-F", _SDK + "/Frameworks", "-L{}/lib".format(_SDK)] + [
            word
            for framework in METAL_FRAMEWORKS + _REEXPORTED_FRAMEWORKS
            for word in ["-framework", framework]
        ] + ["-lobjc"],
        link_inputs = ["@macos_sdk//:files"],
        target_compatible_with = _ON_MACOS,
        deps = [
            ":{}_embedded".format(name),
            ":{}_objc".format(name),
            ":{}_objects".format(name),
        ],
    )
