"""`llama_cpp_index`: the package index of llama-cpp-python's wheels."""

load("@rules_python//python:py_binary.bzl", "py_binary")
load("//bazel/index:defs.bzl", "wheel_index")
load("//platforms:accelerators.bzl", "ACCELERATORS", "DEFAULT_ACCELERATOR")
load("//platforms:declare.bzl", "system_platform")
load("//platforms:glibc.bzl", "GLIBC_FLOORS")
load("//platforms:libc.bzl", "musl_platform_tag")
load(
    "//platforms:macos.bzl",
    "MACOS_ACCELERATORS",
    "MACOS_CPUS",
    "macos_platform_tag",
)
load(
    "//platforms:platforms.bzl",
    "LINUX_ACCELERATORS",
    "LINUX_CPUS",
    "linux_platform",
    "musl_platform",
)
load(
    "//platforms:windows.bzl",
    "WINDOWS_ACCELERATORS",
    "WINDOWS_CPUS",
    "windows_platform_tag",
)

def _linux_tag(cpu, floor):
    return "manylinux_{}_{}_{}".format(floor[0], floor[1], cpu)

def _key(accelerator, platform_tag):
    return "{}-{}".format(ACCELERATORS[accelerator]["label"], platform_tag)

def _build_command(platform):
    return "./bazelw build //:wheel_{abi} --platforms=//platforms:" + platform

# The landing page's command for a visitor, by the wheel's label and platform tag.
_BUILD_COMMANDS = {
    _key(accelerator, _linux_tag(cpu, floor)): _build_command(
        linux_platform("linux", cpu, floor, accelerator),
    )
    for cpu in LINUX_CPUS
    for floor in GLIBC_FLOORS
    for accelerator in LINUX_ACCELERATORS
} | {
    _key(DEFAULT_ACCELERATOR, musl_platform_tag(cpu)): _build_command(musl_platform("linux", cpu))
    for cpu in LINUX_CPUS
} | {
    _key(accelerator, macos_platform_tag(cpu)): _build_command(
        system_platform("macos", cpu, accelerator),
    )
    for cpu in MACOS_CPUS
    for accelerator in MACOS_ACCELERATORS[cpu]
} | {
    _key(accelerator, windows_platform_tag(cpu)): _build_command(
        system_platform("windows", cpu, accelerator),
    )
    for cpu in WINDOWS_CPUS
    for accelerator in WINDOWS_ACCELERATORS[cpu]
}

def llama_cpp_index(name, wheels, variants, upload_time):
    """Declares the index, and `serve_<name>`, which shows it on this machine.

    Args:
      name: name of the index.
      wheels: the wheels that it lists.
      variants: their variant wheels (PEP 825), or none.
      upload_time: flag with their upload time; see wheel_index.
    """
    wheel_index(
        name = name,
        build_commands = _BUILD_COMMANDS,
        upload_time = upload_time,
        variants = variants,
        wheels = wheels,
    )
    py_binary(
        name = "serve_" + name,
        srcs = [Label("//bazel/index:serve.py")],
        args = ["$(rootpath :{})".format(name)],
        data = [":" + name],
        main = Label("//bazel/index:serve.py"),
    )
