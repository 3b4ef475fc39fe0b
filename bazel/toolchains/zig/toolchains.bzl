"""A C++ toolchain per target of zig: Linux with every glibc floor and with musl, macOS, Windows.

The toolchains are targets of zig's own repository, so that their files have the same paths in every
workspace; the selection among them is here.
"""

load("@rules_cc//cc/toolchains:cc_toolchain.bzl", "cc_toolchain")
load("//platforms:glibc.bzl", "GLIBC_FLOORS", "glibc_value")
load("//platforms:libc.bzl", "libc_value")
load("//platforms:macos.bzl", "MACOS_CPUS", "MACOS_DEPLOYMENT_TARGET")
load("//platforms:windows.bzl", "WINDOWS_CPUS")
load(":cc_toolchain_config.bzl", "zig_cc_toolchain_config")
load(":runtime.bzl", "zig_runtime")
load(":sanitizers.bzl", "SANITIZERS", "select_sanitizer")

# Only on demand: `//...` would otherwise build the runtime of every target, a minute each.
_TAGS = ["manual"]

# CPU -> facts that only depend on it.
_CPUS = {
    "aarch64": struct(
        compiler_scripts = ["zig-cc-aarch64.sh", "zig-cc.sh"],
        glibc_linker = "/lib/ld-linux-aarch64.so.1",
        legacy_cpu = "aarch64",
    ),
    "x86_64": struct(
        compiler_scripts = ["zig-cc.sh"],
        glibc_linker = "/lib64/ld-linux-x86-64.so.2",
        legacy_cpu = "k8",
    ),
}

def _targets():
    """Returns structs(name, constraints, linker_files, facts, headers, lib, target).

    Those of Linux have dynamic_linker too.
    """
    linux = [
        struct(
            name = "linux_{}_{}".format(cpu, glibc_value(floor)),
            constraints = [
                "@platforms//cpu:" + cpu,
                "@platforms//os:linux",
                Label("//platforms:" + glibc_value(floor)),
                Label("//platforms:" + libc_value("glibc")),
            ],
            dynamic_linker = facts.glibc_linker,
            facts = facts,
            headers = ":headers",
            lib = ":lib",
            linker_files = ["zig-ld.sh"],
            target = "{}-linux-gnu.{}.{}".format(cpu, floor[0], floor[1]),
        )
        for cpu, facts in _CPUS.items()
        for floor in GLIBC_FLOORS
    ]
    musl = [
        struct(
            name = "musl_" + cpu,
            constraints = [
                "@platforms//cpu:" + cpu,
                "@platforms//os:linux",
                Label("//platforms:" + libc_value("musl")),
            ],
            dynamic_linker = "/lib/ld-musl-{}.so.1".format(cpu),
            facts = facts,
            headers = ":headers_musl",
            lib = ":lib_musl",
            linker_files = ["zig-ld.sh"],
            target = cpu + "-linux-musl",
        )
        for cpu, facts in _CPUS.items()
    ]
    macos = [
        struct(
            name = "macos_" + cpu,
            constraints = [
                "@platforms//cpu:" + cpu,
                "@platforms//os:macos",
            ],
            facts = _CPUS[cpu],
            headers = ":headers_macos",
            lib = ":lib_macos",
            # Its linker reads the stub of the system's library.
            linker_files = ["zig-ld-macos.sh", ":lib_macos"],
            target = "{}-macos.{}.{}".format(cpu, *MACOS_DEPLOYMENT_TARGET),
        )
        for cpu in MACOS_CPUS
    ]
    windows = [
        struct(
            name = "windows_" + cpu,
            constraints = [
                "@platforms//cpu:" + cpu,
                "@platforms//os:windows",
            ],
            facts = _CPUS[cpu],
            headers = ":headers_windows",
            lib = ":lib_windows",
            linker_files = ["zig-ld-windows.sh"],
            target = cpu + "-windows-gnu",
        )
        for cpu in WINDOWS_CPUS
    ]
    return linux + musl + macos + windows

def zig_toolchains(name, zig_repository, exec_cpu, exec_os):
    """Declares `<name>_to_<target>`: each target's toolchain in zig's repository.

    Args:
      name: prefix of the targets.
      zig_repository: repository of the zig wheel for the machine that compiles, such as
        `@zig_linux_x86_64`.
      exec_cpu: CPU of that machine, a value of @platforms//cpu.
      exec_os: its system, a value of @platforms//os.
    """
    for target in _targets():
        native.toolchain(
            name = "{}_to_{}".format(name, target.name),
            exec_compatible_with = [
                "@platforms//cpu:" + exec_cpu,
                "@platforms//os:" + exec_os,
            ],
            target_compatible_with = target.constraints,
            toolchain = "{}//:{}_cc".format(zig_repository, target.name),
            toolchain_type = "@bazel_tools//tools/cpp:toolchain_type",
        )

def zig_cc_toolchains(name):
    """Declares the cc_toolchain `<target>_cc` of each target; call in zig's own repository only.

    Args:
      name: the zig executable there.
    """
    for target in _targets():
        _zig_cc_toolchain(
            name = target.name,
            dynamic_linker = getattr(target, "dynamic_linker", ""),
            facts = target.facts,
            headers = target.headers,
            lib = target.lib,
            linker_files = target.linker_files,
            target = target.target,
            zig = name,
        )

def _sanitizer_runtime(name, lib, target, zig):
    """Returns the library of the build's sanitizer; declares zig's own."""
    zig_runtime(
        name = name + "_ubsan",
        sanitizer = "undefined",
        tags = _TAGS,
        target = target,
        zig = zig,
        zig_lib = lib,
    )
    native.filegroup(
        name = name + "_ubsan_library",
        srcs = [":" + name + "_ubsan"],
        output_group = "sanitizer",
        tags = _TAGS,
    )
    return select_sanitizer(
        {
            sanitizer: [facts.runtime or ":" + name + "_ubsan_library"]
            for sanitizer, facts in SANITIZERS.items()
        },
        default = [],
    )

def _zig_cc_toolchain(name, dynamic_linker, facts, headers, lib, linker_files, target, zig):
    zig_runtime(
        name = name + "_runtime",
        tags = _TAGS,
        target = target,
        zig = zig,
        zig_lib = lib,
    )
    sanitizer_include = select_sanitizer(
        {
            sanitizer: [facts.include] if facts.include else []
            for sanitizer, facts in SANITIZERS.items()
        },
        default = [],
    )
    sanitizer_runtime = _sanitizer_runtime(name, lib, target, zig)
    zig_cc_toolchain_config(
        name = name + "_config",
        tags = _TAGS,
        # The first script is called, and calls or reads the others.
        compiler_script = facts.compiler_scripts[0],
        cpu = facts.legacy_cpu,
        dynamic_linker = dynamic_linker,
        linker_script = linker_files[0],
        runtime = ":" + name + "_runtime",
        sanitizer_copts = select_sanitizer(
            {sanitizer: facts.copts for sanitizer, facts in SANITIZERS.items()},
            default = [],
        ),
        sanitizer_include = sanitizer_include,
        sanitizer_runtime = sanitizer_runtime,
        target = target,
        zig = zig,
    )
    native.filegroup(
        name = name + "_compiler_files",
        tags = _TAGS,
        srcs = facts.compiler_scripts + [zig, headers] + sanitizer_include,
    )
    native.filegroup(
        name = name + "_linker_files",
        tags = _TAGS,
        srcs = linker_files + [zig, ":" + name + "_runtime"] + sanitizer_runtime,
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
        dwp_files = ":no_files",
        linker_files = ":" + name + "_linker_files",
        objcopy_files = ":no_files",
        strip_files = ":" + name + "_strip_files",
        supports_param_files = True,
        toolchain_config = ":" + name + "_config",
    )
