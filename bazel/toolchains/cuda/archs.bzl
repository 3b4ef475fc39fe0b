"""The GPU architectures that a CUDA wheel is for.

`--@rules_cuda//cuda:archs=sm_90` names others, in rules_cuda's notation: `sm_90` is machine code,
`compute_90` PTX.
"""

# The GPUs of llama.cpp's own releases (ggml/src/ggml-cuda/CMakeLists.txt), Turing to Blackwell,
# plus PTX for later ones. Upstream has PTX alone for some, which a driver older than the toolkit
# refuses; machine code runs on every driver of CUDA 13. `a`: the instructions for FP4 exist on that
# architecture only.
CUDA_RELEASE_ARCHS = [
    "sm_75",
    "sm_80",
    "sm_86",
    "sm_89",
    "sm_90",
    "compute_90",
    "sm_120a",
    "sm_121a",
]

# With CUDA 12.4, which knows no Blackwell: the GPUs of llama.cpp's releases for CUDA 12, Maxwell to
# Hopper, as machine code; P100 (sm_60) runs that of no other.
CUDA12_RELEASE_ARCHS = [
    "sm_50",
    "sm_60",
    "sm_61",
    "sm_70",
    "sm_75",
    "sm_80",
    "sm_86",
    "sm_89",
    "sm_90",
    "compute_90",
]

def cuda_archs():
    """Returns the `archs` of a cuda_library: the flag's if it is set, else the release's."""
    return select({
        Label("//bazel/toolchains/cuda:default_archs_of_cuda12"): CUDA12_RELEASE_ARCHS,
        Label("//bazel/toolchains/cuda:default_archs"): CUDA_RELEASE_ARCHS,
        "//conditions:default": [],
    })
