"""The accelerators: one table, and everything that names one is derived from it.

The words are in docs/reference/glossary.md, the way to a new row in docs/howto/backend.md. Literals
only, and no load(): tools read this file as data, without Bazel (tools/pep517/starlark.py).
"""

# Accelerator, as users call it -> row:
#   components        wheel_components whose code is inside of the library
#   driver_file, driver_library
#                     one of them, which is there where a driver is
#   driver_hint       the way to a driver
#   driver_missing    reason that the error gives where ggml's function for the backend returns
#                     NULL because of the driver
#   get_library       beginning of a library's name -> the way to it; `{distribution}` is the
#                     distribution with the backend
#   ggml_name         ggml's name of the backend, as in `libggml-<name>.so`
#   is_released       whether a release has its wheels
#   is_slow           whether the library takes hours to compile, so that `//...` must not
#   label             local version label of its wheels; names the ABI of the accelerator's
#                     libraries (CUDA 13's have sonames that end in 13)
#   library           target of the library with the backend
#   license_expressions
#                     SPDX expressions that the components add to those of the wheel
#   major_of          accelerator of which this is another major version: the same sources and
#                     library name, and at run time the same name and advice
#   needed_libraries  libraries that its wheels may need beside the system's, and must need one of;
#                     they come from the user's driver, toolkit or packages
#   plugin            `llama-cpp-backend-<plugin>` is its plug-in, and the extra of that name
#                     requires it; names the ABI, as the label does
#   requires          requirements (PEP 508) of a wheel that has the library
#   systems           systems whose machines can have one
#   variant           properties that its variant wheel (PEP 825) asks of a machine: namespace ->
#                     feature -> values, of which one is enough; without it there is no variant
#   visible_devices   environment variable that hides devices from the backend
#   windows_library   one of needed_libraries, that of Windows, whose error does not name it
ACCELERATORS = {
    "cpu": {
        "is_released": True,
        "label": "cpu",
        "systems": ["linux", "macos", "windows"],
        "variant": {},
    },
    "cuda": {
        "components": ["//third_party/cuda:cccl_component"],
        "driver_hint": "install or update the NVIDIA driver until nvidia-smi works; a container " +
                       "must be started with access to the GPU (--gpus all)",
        "driver_library": "libcuda.so.1",
        "get_library": {
            "libcu": "install NVIDIA's CUDA libraries: " +
                     "pip install --force-reinstall {distribution}",
        },
        "ggml_name": "cuda",
        "is_released": True,
        "is_slow": True,
        "label": "cu13",
        "library": "@llama_cpp//:ggml-cuda_checked",
        "license_expressions": ["Apache-2.0"],
        "needed_libraries": [
            "libcublas.so.13",
            "libcublasLt.so.13",
            "libcuda.so.1",
            "libcudart.so.13",
        ],
        "plugin": "cuda13",
        # In versions that the headers of the toolkit (third_party/cuda/pin.bzl) fit.
        "requires": [
            "nvidia-cublas>=13.7,<14; platform_system == 'Linux'",
            "nvidia-cuda-runtime>=13.4,<14; platform_system == 'Linux'",
        ],
        "systems": ["linux"],
        # Machine code, which a release has for every GPU it names, runs on each driver of its major
        # version (CUDA Compatibility, `Minor Version Compatibility`). PTX, for other GPUs, wants a
        # driver of the toolkit's version.
        "variant": {"nvidia": {"cuda_version_lower_bound": ["13.0"]}},
        "visible_devices": "CUDA_VISIBLE_DEVICES",
    },
    "cuda12": {
        "components": ["//third_party/cuda:cccl12_component"],
        "ggml_name": "cuda",
        "is_slow": True,
        "label": "cu12",
        "library": "@llama_cpp//:ggml-cuda_checked",
        "license_expressions": ["Apache-2.0"],
        "major_of": "cuda",
        "needed_libraries": [
            "libcublas.so.12",
            "libcublasLt.so.12",
            "libcuda.so.1",
            "libcudart.so.12",
        ],
        "plugin": "cuda12",
        "requires": [
            "nvidia-cublas-cu12>=12.4.5,<13; platform_system == 'Linux'",
            "nvidia-cuda-runtime-cu12>=12.4.127,<13; platform_system == 'Linux'",
        ],
        "systems": ["linux"],
        "variant": {"nvidia": {"cuda_version_lower_bound": ["12.4"]}},
    },
    "metal": {
        "ggml_name": "metal",
        "is_released": True,
        "label": "metal",
        "library": "@llama_cpp//:ggml-metal_so",
        "needed_libraries": ["/System/Library/Frameworks/Metal.framework/Versions/A/Metal"],
        "plugin": "metal",
        "systems": ["macos"],
    },
    "rocm": {
        "components": [
            "@rocm_packages//:libamdhip64-dev_component",
            "@rocm_packages//:rocm-device-libs-21_component",
        ],
        "driver_file": "/dev/kfd",
        "driver_hint": "install the amdgpu kernel driver, which makes /dev/kfd; a container must " +
                       "be started with it (--device /dev/kfd --device /dev/dri)",
        "get_library": {
            "libamdhip64": "install AMD's ROCm runtime of the version in the library's name",
            "libhip": "install AMD's ROCm libraries of the version in the library's name",
            "libroc": "install AMD's ROCm libraries of the version in the library's name",
        },
        "ggml_name": "hip",
        "is_released": True,
        "is_slow": True,
        "label": "rocm6",
        "library": "@llama_cpp//:ggml-hip_checked",
        "license_expressions": ["NCSA"],
        "needed_libraries": [
            "libamdhip64.so.6",
            "libhipblas.so.2",
            "librocblas.so.4",
        ],
        "plugin": "rocm6",
        "systems": ["linux"],
        # The GPUs that a release's kernels are compiled for. They are those of llama.cpp's own ROCm
        # releases for Linux (.github/workflows/release.yml): CDNA 1 to 3, RDNA 1 to 4.
        "variant": {"amd": {"gfx_arch": [
            "gfx908",
            "gfx90a",
            "gfx942",
            "gfx950",
            "gfx1010",
            "gfx1011",
            "gfx1012",
            "gfx1030",
            "gfx1031",
            "gfx1032",
            "gfx1033",
            "gfx1034",
            "gfx1035",
            "gfx1036",
            "gfx1100",
            "gfx1101",
            "gfx1102",
            "gfx1103",
            "gfx1150",
            "gfx1151",
            "gfx1152",
            "gfx1200",
            "gfx1201",
        ]}},
        "visible_devices": "HIP_VISIBLE_DEVICES",
    },
    "vulkan": {
        "components": [
            "@vulkan_headers//:libvulkan-dev_component",
            "@vulkan_headers//:spirv-headers_component",
        ],
        "driver_hint": "install the GPU's Vulkan driver (Debian: mesa-vulkan-drivers) until " +
                       "vulkaninfo lists it",
        "driver_missing": "the Vulkan loader finds none",
        "get_library": {
            "libvulkan": "install the Vulkan loader (Debian: libvulkan1, Fedora: vulkan-loader)",
            "vulkan-1": "install the GPU's driver, which has it",
        },
        "ggml_name": "vulkan",
        "is_released": True,
        "label": "vulkan",
        "library": "@llama_cpp//:ggml-vulkan_so",
        "needed_libraries": [
            "libvulkan.so.1",
            "vulkan-1.dll",
        ],
        "plugin": "vulkan",
        "systems": [
            "linux",
            "windows",
        ],
        "variant": {"ggml": {"backend": ["vulkan"]}},
        "visible_devices": "GGML_VK_VISIBLE_DEVICES",
        "windows_library": "vulkan-1.dll",
    },
}

DEFAULT_ACCELERATOR = "cpu"

# Namespace of variant properties -> an installer's source of a machine's properties. In order of
# preference: a variant of the first namespace wins where the machine can run several. Every wheel
# of a release has to carry the same list.
VARIANT_PROVIDERS = {
    # Built into uv, which compares these two strings and runs no plug-in.
    "nvidia": {
        "plugin-api": "nvidia_variant_provider.plugin:NvidiaVariantPlugin",
        "requires": ["nvidia-variant-provider>=0.0.1"],
    },
    # Not known to uv, which passes such a variant over; variantlib runs the plug-in.
    "amd": {
        "plugin-api": "rocm_bootstrap.variant_provider:AMDVariantPlugin",
        "requires": ["rocm-bootstrap>=0.3"],
    },
    # Nobody detects these: by its static properties, which the variants give, every machine has
    # them. One that has not runs on the CPU.
    "ggml": {},
}

def accelerators_of(system):
    """Returns the accelerators that machines of a system can have.

    Args:
      system: `linux`, `macos` or `windows`.
    """
    return [accelerator for accelerator, row in ACCELERATORS.items() if system in row["systems"]]

def labels():
    """Returns label -> row."""
    return {row["label"]: row for row in ACCELERATORS.values()}

def select_accelerator(values):
    """Selects on the accelerator that the target platform has.

    Args:
      values: accelerator -> value, for all of ACCELERATORS.

    Returns:
      A select().
    """
    return select({
        Label("//platforms:" + accelerator): values[accelerator]
        for accelerator in ACCELERATORS
    })

def accelerator_label():
    """Selects the local version label of the accelerator that the target platform has."""
    return select_accelerator({name: row["label"] for name, row in ACCELERATORS.items()})
