"""Declares a C++ toolchain per target of zig: every Linux CPU with every glibc floor, and macOS."""

load("@rules_cc//cc/toolchains:cc_toolchain.bzl", "cc_toolchain")
load("//platforms:glibc.bzl", "GLIBC_FLOORS", "glibc_value")
load("//platforms:macos.bzl", "MACOS_CPUS", "MACOS_DEPLOYMENT_TARGET")
load(":cc_toolchain_config.bzl", "zig_cc_toolchain_config")
load(":runtime.bzl", "zig_runtime")

# Only what a build needs: `//...` would otherwise build the runtime of every target, a minute each.
_TAGS = ["manual"]

# CPU -> facts that only depend on it.
_CPUS = {
    "aarch64": struct(
        compiler_scripts = ["zig-cc-aarch64.sh", "zig-cc.sh"],
        dynamic_linker = "/lib/ld-linux-aarch64.so.1",
        legacy_cpu = "aarch64",
    ),
    "x86_64": struct(
        compiler_scripts = ["zig-cc.sh"],
        dynamic_linker = "/lib64/ld-linux-x86-64.so.2",
        legacy_cpu = "k8",
    ),
}

def zig_toolchains(name, zig_repository, exec_cpu):
    """Declares `<name>_<cpu>_<glibc>` toolchains that run on one kind of Linux machine, and `<name>_to_macos_<cpu>`.

    Args:
      name: prefix of the targets.
      zig_repository: repository of the zig wheel for the machine that compiles, such as `@zig_linux_x86_64`.
      exec_cpu: CPU of that machine, a value of @platforms//cpu.
    """
    for cpu, facts in _CPUS.items():
        for floor in GLIBC_FLOORS:
            _zig_toolchain(
                name = "{}_{}_{}".format(name, cpu, glibc_value(floor)),
                constraints = [
                    "@platforms//cpu:" + cpu,
                    "@platforms//os:linux",
                    "//platforms:" + glibc_value(floor),
                ],
                facts = facts,
                headers = zig_repository + "//:headers",
                lib = zig_repository + "//:lib",
                linker_files = ["zig-ld.sh"],
                target = "{}-linux-gnu.{}.{}".format(cpu, floor[0], floor[1]),
                exec_cpu = exec_cpu,
                zig = zig_repository + "//:zig",
            )
    for cpu in MACOS_CPUS:
        _zig_toolchain(
            name = "{}_to_macos_{}".format(name.removesuffix("_to_linux"), cpu),
            constraints = [
                "@platforms//cpu:" + cpu,
                "@platforms//os:macos",
            ],
            facts = _CPUS[cpu],
            headers = zig_repository + "//:headers_macos",
            lib = zig_repository + "//:lib_macos",
            # Its linker reads the stub of the system's library.
            linker_files = ["zig-ld-macos.sh", zig_repository + "//:lib_macos"],
            target = "{}-macos.{}.{}".format(cpu, *MACOS_DEPLOYMENT_TARGET),
            exec_cpu = exec_cpu,
            zig = zig_repository + "//:zig",
        )

def _zig_toolchain(name, constraints, facts, headers, lib, linker_files, target, exec_cpu, zig):
    zig_runtime(
        name = name + "_runtime",
        tags = _TAGS,
        target = target,
        zig = zig,
        zig_lib = lib,
    )
    zig_cc_toolchain_config(
        name = name + "_config",
        tags = _TAGS,
        # The first script is called; the others are what it calls or reads.
        compiler_script = facts.compiler_scripts[0],
        cpu = facts.legacy_cpu,
        dynamic_linker = facts.dynamic_linker,
        linker_script = linker_files[0],
        runtime = ":" + name + "_runtime",
        target = target,
        zig = zig,
    )
    native.filegroup(
        name = name + "_compiler_files",
        tags = _TAGS,
        srcs = facts.compiler_scripts + [zig, headers],
    )
    native.filegroup(
        name = name + "_linker_files",
        tags = _TAGS,
        srcs = linker_files + [zig, ":" + name + "_runtime"],
    )
    native.filegroup(
        name = name + "_archiver_files",
        tags = _TAGS,
        srcs = ["zig-ar.sh", zig],
    )
    native.filegroup(
        name = name + "_strip_files",
        tags = _TAGS,
        srcs = ["zig-strip.sh", zig],
    )
    native.filegroup(
        name = name + "_all_files",
        tags = _TAGS,
        srcs = [
            ":" + name + "_archiver_files",
            ":" + name + "_compiler_files",
            ":" + name + "_linker_files",
            ":" + name + "_strip_files",
        ],
    )
    cc_toolchain(
        name = name + "_cc",
        tags = _TAGS,
        all_files = ":" + name + "_all_files",
        ar_files = ":" + name + "_archiver_files",
        as_files = ":" + name + "_compiler_files",
        compiler_files = ":" + name + "_compiler_files",
        dwp_files = ":empty",
        linker_files = ":" + name + "_linker_files",
        objcopy_files = ":empty",
        strip_files = ":" + name + "_strip_files",
        supports_param_files = True,
        toolchain_config = ":" + name + "_config",
    )
    native.toolchain(
        name = name,
        exec_compatible_with = [
            "@platforms//cpu:" + exec_cpu,
            "@platforms//os:linux",
        ],
        target_compatible_with = constraints,
        toolchain = ":" + name + "_cc",
        toolchain_type = "@bazel_tools//tools/cpp:toolchain_type",
    )
