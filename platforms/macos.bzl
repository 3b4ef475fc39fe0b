"""The oldest macOS that outputs must run on. The wheel's platform tag is derived from it."""

load(":accelerators.bzl", "DEFAULT_ACCELERATOR", "accelerators_of")

# (major, minor). llama.cpp's own releases ask for 13.3 (.github/workflows/build.yml); a wheel's tag
# knows whole versions only, and nothing in ggml needs the three.
MACOS_DEPLOYMENT_TARGET = (13, 0)

# CPUs that there are macOS platforms for; `@platforms//cpu` -> as Apple and wheel tags call it.
MACOS_CPUS = {
    "aarch64": "arm64",
    "x86_64": "x86_64",
}

# CPU -> accelerators. llama.cpp's releases for Macs with Intel's CPU have no Metal
# (.github/workflows/release.yml).
MACOS_ACCELERATORS = {
    "aarch64": accelerators_of("macos"),
    "x86_64": [DEFAULT_ACCELERATOR],
}

def macos_platform_tag(cpu):
    """Returns the platform tag of a wheel for Macs with a CPU.

    Args:
      cpu: a key of MACOS_CPUS.

    Returns:
      Such as `macosx_13_0_arm64`.
    """
    return "macosx_{}_{}_{}".format(
        MACOS_DEPLOYMENT_TARGET[0],
        MACOS_DEPLOYMENT_TARGET[1],
        MACOS_CPUS[cpu],
    )
