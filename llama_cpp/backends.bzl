"""What an accelerator adds to the CPU wheel: one library, and what that library needs. A table that wheels are made by."""

load("//platforms:accelerators.bzl", "ACCELERATORS", "DEFAULT_ACCELERATOR")
load("//third_party/cuda:pin.bzl", "CUDA_REQUIREMENTS")

def _backend(library, components = [], is_slow = False, licenses = [], requires = []):
    """A row of the table.

    Args:
      library: label of the `libggml-<backend>.so`, which libggml opens at run time.
      components: labels of the wheel_components whose code is inside of it.
      is_slow: whether it takes hours to compile, so that `//...` must not.
      licenses: what the components add to the licence of the wheel, as SPDX expressions.
      requires: requirements (PEP 508) of a wheel that holds it.
    """
    return struct(
        components = [Label(component) for component in components],
        is_slow = is_slow,
        libraries = [Label(library)],
        licenses = licenses,
        requires = requires,
    )

_NOTHING = struct(components = [], is_slow = False, libraries = [], licenses = [], requires = [])

_BACKENDS = {
    DEFAULT_ACCELERATOR: _NOTHING,
    "cuda": _backend(
        components = ["//third_party/cuda:cccl_component"],
        is_slow = True,
        library = "@llama_cpp//:ggml-cuda_checked",
        licenses = ["Apache-2.0"],
        requires = CUDA_REQUIREMENTS,
    ),
    "metal": _backend(
        library = "@llama_cpp//:ggml-metal_so",
    ),
    "rocm": _backend(
        components = [
            "@rocm_packages//:libamdhip64-dev_component",
            "@rocm_packages//:rocm-device-libs-21_component",
        ],
        is_slow = True,
        library = "@llama_cpp//:ggml-hip_checked",
        licenses = ["NCSA"],
    ),
    "vulkan": _backend(
        components = [
            "@vulkan_headers//:libvulkan-dev_component",
            "@vulkan_headers//:spirv-headers_component",
        ],
        library = "@llama_cpp//:ggml-vulkan_so",
    ),
}

def backend(accelerator):
    """The row of an accelerator.

    Args:
      accelerator: one of ACCELERATORS.

    Returns:
      struct(components, is_slow, libraries, licenses, requires), as for a row, but with a list of one library, or none.
    """
    return _BACKENDS.get(accelerator, _NOTHING)

# Accelerators that there are wheels for.
WHEEL_ACCELERATORS = [accelerator for accelerator in ACCELERATORS if accelerator in _BACKENDS]
