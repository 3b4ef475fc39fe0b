"""What an accelerator adds to the CPU wheel: one library, and what that library needs. A table that wheels are made by."""

load("//platforms:accelerators.bzl", "ACCELERATORS", "DEFAULT_ACCELERATOR")
load("//third_party/cuda:pin.bzl", "CUDA_REQUIREMENTS")

def _backend(library, components = [], requires = []):
    """A row of the table.

    Args:
      library: label of the `libggml-<backend>.so`, which libggml opens at run time.
      components: labels of the wheel_components whose code is inside of it.
      requires: requirements (PEP 508) of a wheel that holds it.
    """
    return struct(
        components = [Label(component) for component in components],
        libraries = [Label(library)],
        requires = requires,
    )

_NOTHING = struct(components = [], libraries = [], requires = [])

_BACKENDS = {
    DEFAULT_ACCELERATOR: _NOTHING,
    "cuda": _backend(
        components = ["//third_party/cuda:cccl_component"],
        library = "@llama_cpp//:ggml-cuda_checked",
        requires = CUDA_REQUIREMENTS,
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
      struct(components, libraries, requires), each a list.
    """
    return _BACKENDS.get(accelerator, _NOTHING)

# Accelerators that there are wheels for.
WHEEL_ACCELERATORS = [accelerator for accelerator in ACCELERATORS if accelerator in _BACKENDS]
