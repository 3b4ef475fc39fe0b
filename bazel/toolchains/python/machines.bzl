"""The machines that extension modules are built for, and the modules' names there."""

load("//platforms:libc.bzl", "libc_value")
load("//platforms:macos.bzl", "MACOS_CPUS")
load("//platforms:platforms.bzl", "LINUX_CPUS")
load("//platforms:windows.bzl", "WINDOWS_CPUS", "windows_platform_tag")

def _machine(os, cpu, soabi, triple, libc = None):
    return struct(
        # Constraint values of the platforms that are such machines.
        constraints = [
            Label("@platforms//cpu:" + cpu),
            Label("@platforms//os:" + os),
        ] + ([Label("//platforms:" + libc_value(libc))] if libc else []),
        # C library, on Linux.
        libc = libc,
        # System as @platforms//os spells it.
        os = os,
        # Machine part of EXT_SUFFIX, after the ABI (PEP 3149; for Windows CPython's own rule).
        soabi = soabi,
        # Name in python-build-standalone.
        triple = triple,
    )

# Name below //platforms -> its facts.
PYTHON_MACHINES = {
    "linux_" + cpu: _machine(
        "linux",
        cpu,
        cpu + "-linux-gnu",
        cpu + "-unknown-linux-gnu",
        libc = "glibc",
    )
    for cpu in LINUX_CPUS
} | {
    "musl_" + cpu: _machine(
        "linux",
        cpu,
        cpu + "-linux-musl",
        cpu + "-unknown-linux-musl",
        libc = "musl",
    )
    for cpu in LINUX_CPUS
} | {
    "macos_" + cpu: _machine("macos", cpu, "darwin", cpu + "-apple-darwin")
    for cpu in MACOS_CPUS
} | {
    "windows_" + cpu: _machine(
        "windows",
        cpu,
        windows_platform_tag(cpu),
        cpu + "-pc-windows-msvc",
    )
    for cpu in WINDOWS_CPUS
}

def select_machine(values, default = None, **kwargs):
    """Selects on the machine that the target platform is.

    Args:
      values: name of a machine -> value.
      default: value for any other platform; None for none, which is an error.
      **kwargs: passed on to select().

    Returns:
      A select().
    """
    return select(
        {
            Label("//platforms:{}_target".format(machine)): value
            for machine, value in values.items()
        } | ({"//conditions:default": default} if default else {}),
        **kwargs
    )

def _soabi(abi, facts):
    # CPython tells musl from glibc since 3.11 (its issue 87278).
    if facts.libc == "musl" and int(abi.removeprefix("cp3").removesuffix("t")) < 11:
        return facts.soabi.replace("-musl", "-gnu")
    return facts.soabi

def ext_suffix(abi, machine):
    """Returns the EXT_SUFFIX of an ABI (PEP 3149).

    Args:
      abi: a key of PYTHON_ABIS.
      machine: a key of PYTHON_MACHINES.

    Returns:
      Such as `.cpython-314t-x86_64-linux-gnu.so`, or `.cp314t-win_amd64.pyd`.
    """
    facts = PYTHON_MACHINES[machine]
    if facts.os == "windows":
        return ".{}-{}.pyd".format(abi, facts.soabi)
    return ".cpython-{}-{}.so".format(abi.removeprefix("cp"), _soabi(abi, facts))

def python_dll(abi):
    """Returns the DLL that has Python's symbols on Windows.

    Args:
      abi: a key of PYTHON_ABIS.

    Returns:
      Such as `python314t.dll`.
    """
    return "python{}.dll".format(abi.removeprefix("cp"))

def ext_suffix_select(abi):
    """Selects the EXT_SUFFIX of an ABI for the target platform, known without any interpreter.

    Args:
      abi: a key of PYTHON_ABIS.

    Returns:
      A `select` for configurable attributes.
    """
    return select_machine(
        {machine: ext_suffix(abi, machine) for machine in PYTHON_MACHINES},
        no_match_error = "EXT_SUFFIX of {} is known for {} only".format(
            abi,
            ", ".join(PYTHON_MACHINES),
        ),
    )
