"""The C library of a Linux system: glibc (its floors are in glibc.bzl), or musl.

Both are Linux to Bazel. A platform that names neither has glibc.
"""

# (major, minor). The oldest musl of Alpine Linux releases that pip installs wheels on; its tag is
# PEP 656's musllinux_1_2. time_t has 64 bits everywhere since then.
MUSL_FLOOR = (1, 2)

LIBCS = ["glibc", "musl"]

DEFAULT_LIBC = "glibc"

def libc_value(libc):
    """Returns the name of the constraint value for one of LIBCS."""
    return "libc_" + libc

def musl_platform_tag(cpu):
    """Returns the platform tag of a wheel for Linux with musl on a CPU.

    Args:
      cpu: one of LINUX_CPUS.

    Returns:
      Such as `musllinux_1_2_x86_64` (PEP 656).
    """
    return "musllinux_{}_{}_{}".format(MUSL_FLOOR[0], MUSL_FLOOR[1], cpu)
