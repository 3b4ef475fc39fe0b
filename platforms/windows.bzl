"""Windows. The wheel's platform tag names the CPU alone: Windows has no floor in it."""

load(":accelerators.bzl", "accelerators_of")

# CPUs that there are Windows platforms for; `@platforms//cpu` -> as wheel tags call it.
WINDOWS_CPUS = {"x86_64": "amd64"}

# CPU -> accelerators.
WINDOWS_ACCELERATORS = {cpu: accelerators_of("windows") for cpu in WINDOWS_CPUS}

def windows_platform_tag(cpu):
    """Returns the platform tag of a wheel for Windows on a CPU.

    Args:
      cpu: a key of WINDOWS_CPUS.

    Returns:
      Such as `win_amd64`.
    """
    return "win_" + WINDOWS_CPUS[cpu]
