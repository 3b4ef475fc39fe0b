"""The smallest C++ toolchain: where the machine has its compiler."""

load("@rules_cc//cc:cc_toolchain_config_lib.bzl", "tool_path")
load("@rules_cc//cc/common:cc_common.bzl", "cc_common")
load("@rules_cc//cc/toolchains:cc_toolchain_config_info.bzl", "CcToolchainConfigInfo")

_TOOLS = {
    "ar": "/usr/bin/ar",
    "cpp": "/usr/bin/cpp",
    "gcc": "/usr/bin/gcc",
    "gcov": "/usr/bin/gcov",
    "ld": "/usr/bin/ld",
    "nm": "/usr/bin/nm",
    "objdump": "/usr/bin/objdump",
    "strip": "/usr/bin/strip",
}

def _gcc_toolchain_config_impl(ctx):
    return cc_common.create_cc_toolchain_config_info(
        abi_libc_version = "local",
        abi_version = "local",
        compiler = "gcc",
        ctx = ctx,
        cxx_builtin_include_directories = [
            "/usr/include",
            "/usr/lib/gcc",
        ],
        host_system_name = "local",
        target_cpu = "k8",
        target_libc = "local",
        target_system_name = "local",
        tool_paths = [tool_path(name = name, path = path) for name, path in _TOOLS.items()],
        toolchain_identifier = "monorepo-gcc",
    )

gcc_toolchain_config = rule(
    implementation = _gcc_toolchain_config_impl,
    doc = "Describes the machine's gcc.",
    provides = [CcToolchainConfigInfo],
)
