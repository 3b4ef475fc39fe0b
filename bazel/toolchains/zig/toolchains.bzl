"""Declares a C++ toolchain per target of zig: every Linux CPU with every glibc floor."""

load("@rules_cc//cc/toolchains:cc_toolchain.bzl", "cc_toolchain")
load("//platforms:glibc.bzl", "GLIBC_FLOORS", "glibc_value")
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
    """Declares `<name>_<cpu>_<glibc>` toolchains that run on one kind of Linux machine.

    Args:
      name: prefix of the targets.
      zig_repository: repository of the zig wheel for the machine that compiles, such as `@zig_linux_x86_64`.
      exec_cpu: CPU of that machine, a value of @platforms//cpu.
    """
    for cpu, facts in _CPUS.items():
        for floor in GLIBC_FLOORS:
            _zig_toolchain(
                name = "{}_{}_{}".format(name, cpu, glibc_value(floor)),
                cpu = cpu,
                facts = facts,
                floor = floor,
                exec_cpu = exec_cpu,
                zig_repository = zig_repository,
            )

def _zig_toolchain(name, cpu, facts, floor, exec_cpu, zig_repository):
    target = "{}-linux-gnu.{}.{}".format(cpu, floor[0], floor[1])
    zig = zig_repository + "//:zig"
    lib = zig_repository + "//:lib"
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
        # The first script is called; the others are what it calls.
        compiler_script = facts.compiler_scripts[0],
        cpu = facts.legacy_cpu,
        dynamic_linker = facts.dynamic_linker,
        runtime = ":" + name + "_runtime",
        target = target,
        zig = zig,
    )
    native.filegroup(
        name = name + "_compiler_files",
        tags = _TAGS,
        srcs = facts.compiler_scripts + [zig, zig_repository + "//:headers"],
    )
    native.filegroup(
        name = name + "_linker_files",
        tags = _TAGS,
        srcs = ["zig-ld.sh", zig, ":" + name + "_runtime"],
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
        target_compatible_with = [
            "@platforms//cpu:" + cpu,
            "@platforms//os:linux",
            "//platforms:" + glibc_value(floor),
        ],
        toolchain = ":" + name + "_cc",
        toolchain_type = "@bazel_tools//tools/cpp:toolchain_type",
    )
