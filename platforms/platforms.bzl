"""Platforms to name in `--platforms`: `linux_x86_64`, `linux_x86_64_glibc_2_28`, `linux_aarch64`, ..."""

load(":glibc.bzl", "DEFAULT_GLIBC_FLOOR", "GLIBC_FLOORS", "glibc_value")

LINUX_CPUS = ["aarch64", "x86_64"]

def linux_platform(name, cpu, floor):
    """Name of the platform for a CPU and a glibc floor such as (2, 17); the default floor is left out of it."""
    suffix = "" if floor == DEFAULT_GLIBC_FLOOR else "_" + glibc_value(floor)
    return "{}_{}{}".format(name, cpu, suffix)

def linux_platforms(name):
    """Declares one platform per CPU and glibc floor.

    Args:
      name: prefix of the platforms' names.
    """
    for cpu in LINUX_CPUS:
        for floor in GLIBC_FLOORS:
            native.platform(
                name = linux_platform(name, cpu, floor),
                constraint_values = [
                    "@platforms//cpu:" + cpu,
                    "@platforms//os:linux",
                    ":" + glibc_value(floor),
                ],
            )
