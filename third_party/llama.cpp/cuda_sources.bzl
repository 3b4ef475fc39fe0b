"""Sources and defines that ggml's CUDA backend and its HIP backend share: both compile the same `.cu` files.

Source: llama.cpp, ggml/src/ggml-cuda/CMakeLists.txt and ggml/src/ggml-hip/CMakeLists.txt.
"""

_DIR = "ggml/src/ggml-cuda/"

_KV_TYPES = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "BF16", "F16"]

# Types of keys and values that have a flash attention kernel for single vectors; upstream's default of GGML_CUDA_FA_QUANTS.
_FA_QUANTS = ["q4_0-q4_0", "q8_0-q8_0", "f16-f16", "bf16-bf16"]

def _fa_quant(key, value):
    return "{}-{}".format(key, value).lower()

# A define for every pair of types: what is missing would not compile.
CUDA_FA_QUANT_DEFINES = ["GGML_CUDA_FA_QUANTS=\\\"{}\\\"".format(",".join(_FA_QUANTS))] + [
    "GGML_CUDA_FA_{}_{}={}".format(key, value, int(_fa_quant(key, value) in _FA_QUANTS))
    for key in _KV_TYPES
    for value in _KV_TYPES
]

# buildifier: disable=unnamed-macro
def cuda_sources():
    """The 144 `.cu` files; only to be called from the BUILD file of the sources."""
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
    """The headers between them; only to be called from the BUILD file of the sources."""
    return native.glob([
        _DIR + "*.cuh",
        _DIR + "mma/*.cuh",
        _DIR + "template-instances/*.cuh",
        _DIR + "vendors/*.h",
    ])
