"""Values of `--platforms`: `linux_x86_64`, `linux_x86_64_cuda`, `linux_x86_64_musl_1_2`..."""

load(":accelerators.bzl", "DEFAULT_ACCELERATOR", "accelerators_of")
load(":glibc.bzl", "DEFAULT_GLIBC_FLOOR", "GLIBC_FLOORS", "glibc_value")
load(":libc.bzl", "MUSL_FLOOR", "libc_value")

LINUX_CPUS = ["aarch64", "x86_64"]

# CPU -> its name in the remote execution protocol.
_ISAS = {
    "aarch64": "arm-a64",
    "x86_64": "x86-64",
}

# Accelerators that a Linux machine can have.
LINUX_ACCELERATORS = accelerators_of("linux")

def linux_platform(name, cpu, floor = DEFAULT_GLIBC_FLOOR, accelerator = DEFAULT_ACCELERATOR):
    """Returns the name of a platform, which leaves out defaults.

    Args:
      name: prefix of the platforms' names.
      cpu: one of LINUX_CPUS.
      floor: one of GLIBC_FLOORS.
      accelerator: one of LINUX_ACCELERATORS.

    Returns:
      A name, to be used below //platforms.
    """
    parts = [name, cpu]
    if floor != DEFAULT_GLIBC_FLOOR:
        parts.append(glibc_value(floor))
    if accelerator != DEFAULT_ACCELERATOR:
        parts.append(accelerator)
    return "_".join(parts)

def musl_platform(name, cpu):
    """Returns the name of a platform with musl, which has no accelerator.

    Args:
      name: prefix of the platforms' names.
      cpu: one of LINUX_CPUS.

    Returns:
      A name, to be used below //platforms.
    """
    return "{}_{}_musl_{}_{}".format(name, cpu, *MUSL_FLOOR)

def remote_platforms(name):
    """Declares one execution platform per CPU: the properties of a `--config=remote_exec` worker.

    A worker that takes these actions has a shell, coreutils and sed on /bin:/usr/bin, and the
    Python of @local_python at the same absolute path. All else (compiler, linker, runtime, sources)
    is uploaded.

    Args:
      name: prefix of the platforms' names.
    """
    for cpu in LINUX_CPUS:
        native.platform(
            name = "{}_{}".format(name, cpu),
            constraint_values = [
                "@platforms//cpu:" + cpu,
                "@platforms//os:linux",
            ],
            # Names and values of the protocol's own dictionary; docs/remote.md has those of several
            # clusters.
            exec_properties = {
                "ISA": _ISAS[cpu],
                "OSFamily": "linux",
            },
        )

def linux_platforms(name):
    """Declares a platform per CPU, libc and accelerator, and settings to select on.

    These are `<name>_<cpu>_target`, whose libc is glibc, and `musl_<cpu>_target`.

    Args:
      name: prefix of the platforms' names.
    """
    for cpu in LINUX_CPUS:
        for setting, libc in {name: "glibc", "musl": "musl"}.items():
            native.config_setting(
                name = "{}_{}_target".format(setting, cpu),
                constraint_values = [
                    "@platforms//cpu:" + cpu,
                    "@platforms//os:linux",
                    ":" + libc_value(libc),
                ],
            )
        native.platform(
            name = musl_platform(name, cpu),
            constraint_values = [
                "@platforms//cpu:" + cpu,
                "@platforms//os:linux",
                ":" + libc_value("musl"),
            ],
        )
        for floor in GLIBC_FLOORS:
            for accelerator in LINUX_ACCELERATORS:
                native.platform(
                    name = linux_platform(name, cpu, floor, accelerator),
                    constraint_values = [
                        "@platforms//cpu:" + cpu,
                        "@platforms//os:linux",
                        ":" + glibc_value(floor),
                        ":" + accelerator,
                    ],
                )
