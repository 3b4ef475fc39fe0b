"""Sources and defines of ggml's CUDA and HIP backends, which compile the same `.cu` files.

Source: llama.cpp, ggml/src/ggml-cuda/CMakeLists.txt and ggml/src/ggml-hip/CMakeLists.txt.
"""

load("@bazel_skylib//rules:write_file.bzl", "write_file")
load("@rules_cc//cc:cc_library.bzl", "cc_library")

_DIR = "ggml/src/ggml-cuda/"

_KV_TYPES = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "BF16", "F16"]

# Types of keys and values that have a flash attention kernel for single vectors; upstream's default
# of GGML_CUDA_FA_QUANTS.
_FA_QUANTS = ["q4_0-q4_0", "q8_0-q8_0", "f16-f16", "bf16-bf16"]

def _fa_quant(key, value):
    return "{}-{}".format(key, value).lower()

# The header that has the defines: on its command line nvcc would take the commas apart.
CUDA_CONFIG_COPTS = ["-include", "ggml-cuda-config.h"]

def cuda_config_headers(name):
    """Declares that header's library, with all pairs of types: a missing define does not compile.

    Args:
      name: name of the library.
    """
    write_file(
        name = name + "_file",
        out = "generated/ggml-cuda/ggml-cuda-config.h",
        content = ["#define GGML_CUDA_FA_QUANTS \"{}\"".format(",".join(_FA_QUANTS))] + [
            "#define GGML_CUDA_FA_{}_{} {}".format(
                key,
                value,
                int(_fa_quant(key, value) in _FA_QUANTS),
            )
            for key in _KV_TYPES
            for value in _KV_TYPES
        ] + [""],
    )
    cc_library(
        name = name,
        hdrs = [":" + name + "_file"],
        includes = ["generated/ggml-cuda"],
    )

# buildifier: disable=unnamed-macro
def cuda_sources():
    """Returns the `.cu` files; call from the BUILD file of the sources only."""
    return native.glob(
        [
            _DIR + "*.cu",
            _DIR + "template-instances/*.cu",
        ],
        exclude = [_DIR + "template-instances/fattn-vec-*.cu"],
    ) + [
        _DIR + "template-instances/fattn-vec-instance-{}.cu".format(quant)
        for quant in _FA_QUANTS
    ]

# buildifier: disable=unnamed-macro
def cuda_headers():
    """Returns the headers between them; call from the BUILD file of the sources only."""
    return native.glob([
        _DIR + "**/*.cuh",
        _DIR + "vendors/*.h",
    ])
