"""Windows. The wheel's platform tag names the CPU alone: Windows has no floor in it."""

load(":accelerators.bzl", "DEFAULT_ACCELERATOR", "accelerators_of")

# CPUs that there are Windows platforms for; `@platforms//cpu` -> as wheel tags call it.
WINDOWS_CPUS = {"x86_64": "amd64"}

# Accelerators that a Windows machine can have.
WINDOWS_ACCELERATORS = accelerators_of("windows")

def windows_platform_tag(cpu):
    """Returns the platform tag of a wheel for Windows on a CPU.

    Args:
      cpu: a key of WINDOWS_CPUS.

    Returns:
      Such as `win_amd64`.
    """
    return "win_" + WINDOWS_CPUS[cpu]

def windows_platform(name, cpu, accelerator):
    """Returns the name of a platform.

    Args:
      name: prefix of the platforms' names.
      cpu: a key of WINDOWS_CPUS.
      accelerator: one of WINDOWS_ACCELERATORS.

    Returns:
      A name, to be used below //platforms.
    """
    return "_".join([name, cpu] + ([] if accelerator == DEFAULT_ACCELERATOR else [accelerator]))

def windows_platforms(name):
    """Declares one platform per CPU and accelerator, and `<name>_<cpu>_target` to select on.

    Args:
      name: prefix of the platforms' names.
    """
    for cpu in WINDOWS_CPUS:
        native.config_setting(
            name = "{}_{}_target".format(name, cpu),
            constraint_values = [
                "@platforms//cpu:" + cpu,
                "@platforms//os:windows",
            ],
        )
        for accelerator in WINDOWS_ACCELERATORS:
            native.platform(
                name = windows_platform(name, cpu, accelerator),
                constraint_values = [
                    "@platforms//cpu:" + cpu,
                    "@platforms//os:windows",
                    ":" + accelerator,
                ],
            )
