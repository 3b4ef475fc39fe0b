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

def macos_platform(name, cpu, accelerator):
    """Returns the name of a platform.

    Args:
      name: prefix of the platforms' names.
      cpu: a key of MACOS_CPUS.
      accelerator: one that MACOS_ACCELERATORS has for the CPU.

    Returns:
      A name, to be used below //platforms.
    """
    return "_".join([name, cpu] + ([] if accelerator == DEFAULT_ACCELERATOR else [accelerator]))

def macos_platforms(name):
    """Declares one platform per CPU and accelerator, and `<name>_<cpu>_target` to select on.

    Args:
      name: prefix of the platforms' names.
    """
    for cpu in MACOS_CPUS:
        native.config_setting(
            name = "{}_{}_target".format(name, cpu),
            constraint_values = [
                "@platforms//cpu:" + cpu,
                "@platforms//os:macos",
            ],
        )
        for accelerator in MACOS_ACCELERATORS[cpu]:
            native.platform(
                name = macos_platform(name, cpu, accelerator),
                constraint_values = [
                    "@platforms//cpu:" + cpu,
                    "@platforms//os:macos",
                    ":" + accelerator,
                ],
            )
