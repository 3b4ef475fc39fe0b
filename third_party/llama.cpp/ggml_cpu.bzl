"""ggml's CPU backend, once per instruction-set variant (cpu_variants.bzl)."""

load("@rules_cc//cc:cc_library.bzl", "cc_library")
load(":cpu_variants.bzl", "CPU_VARIANTS", "select_cpu_variants")
load(":ggml.bzl", "GGML_LOCAL_DEFINES", "source_root")
load(
    ":native_library.bzl",
    "NATIVE_COPTS",
    "NATIVE_CXX_STANDARD",
    "NATIVE_C_STANDARD",
    "native_library",
)

_DIR = "ggml/src/ggml-cpu/"
_C_SOURCES = [_DIR + "ggml-cpu.c", _DIR + "quants.c"]
_BACKEND_DEFINES = GGML_LOCAL_DEFINES + [
    "GGML_BACKEND_BUILD",
    "GGML_USE_CPU_REPACK",
    "GGML_USE_LLAMAFILE",
]

def ggml_cpu_variants(name):
    """Declares every CPU variant, and the target machine's and compiler's as filegroup `<name>`.

    Args:
      name: prefix of the libraries, `<name>-<variant>`.
    """
    for table in CPU_VARIANTS.values():
        for variant, spec in table.variants.items():
            _variant(
                name = "{}-{}".format(name, variant),
                copts = spec.copts,
                constraints = table.constraints,
                defines = spec.defines,
                folder = table.folder,
            )
    native.filegroup(
        name = name,
        srcs = select_cpu_variants(
            lambda variants: [":{}-{}_so".format(name, variant) for variant in variants],
        ),
    )

def _variant(name, constraints, folder, copts, defines):
    """Declares one variant: kernels with the variant's flags, its score function without them.

    The score function decides whether the CPU may run the rest, so no flag may reach it.
    """
    arch = _DIR + "arch/" + folder + "/"
    includes = [
        "-I{}/ggml/src".format(source_root()),
        "-I{}/ggml/src/ggml-cpu".format(source_root()),
    ]
    common = dict(
        local_defines = _BACKEND_DEFINES + defines,
        target_compatible_with = constraints,
        deps = [
            # Linked from ggml-base, never into the variant (dynamic_deps of native_library).
            ":ggml_base_objects",
            ":ggml_private_headers",
        ],
    )
    cc_library(
        name = name + "_score",
        srcs = [arch + "cpu-feats.cpp"],
        alwayslink = True,
        copts = NATIVE_COPTS + NATIVE_CXX_STANDARD + includes + ["-fno-lto"],
        **common
    )
    cc_library(
        name = name + "_c",
        srcs = _C_SOURCES + [arch + "quants.c"],
        alwayslink = True,
        copts = NATIVE_COPTS + NATIVE_C_STANDARD + includes + copts,
        **common
    )
    cc_library(
        name = name + "_objects",
        srcs = native.glob([
            _DIR + "*.cpp",
            _DIR + "amx/*.cpp",
            _DIR + "llamafile/*.cpp",
            _DIR + "tiled/*.cpp",
        ]) + [arch + "repack.cpp"],
        alwayslink = True,
        copts = NATIVE_COPTS + NATIVE_CXX_STANDARD + includes + copts,
        **common
    )
    native_library(
        name = name,
        dynamic_deps = ["ggml-base"],
        exports = ["ggml_backend_init", "ggml_backend_score"],
        deps = [
            ":{}_c".format(name),
            ":{}_objects".format(name),
            ":{}_score".format(name),
        ],
    )
