"""The zig wheels: clang and lld for the machines that compile."""

ZIG_VERSION = "0.17.1"

# Of its clang, lld and C++ runtime.
LLVM_VERSION = "22.1.8"

# Tools of the C++ toolchain.
ZIG_SCRIPTS = [
    "zig-ar.sh",
    "zig-cc-aarch64.sh",
    "zig-cc.sh",
    "zig-ld-macos.sh",
    "zig-ld-windows.sh",
    "zig-ld.sh",
    "zig-strip.sh",
]

def _archive(platforms, sha256):
    return dict(
        build_file = Label("//third_party/zig:zig.BUILD"),
        executables = ["zig"],
        # Beside zig, so that their paths are the same in every workspace (//bazel/repositories).
        files = {
            Label("//bazel/toolchains/zig:" + script): script
            for script in ZIG_SCRIPTS
        },
        file = "ziglang-{}-py3-none-{}.whl".format(ZIG_VERSION, platforms),
        package = "ziglang",
        sha256 = sha256,
        strip_prefix = "ziglang",
    )

# `zig_<machine that compiles>` -> attributes of pip_archive.
ZIG_ARCHIVES = {
    "zig_linux_aarch64": _archive(
        platforms = "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64",
        sha256 = "b7c5f02fccd40f89b999ee16a1f5ddced56e6182370f8affe494bcf8a28cf07e",
    ),
    "zig_linux_x86_64": _archive(
        platforms = "manylinux_2_12_x86_64.manylinux2010_x86_64.musllinux_1_1_x86_64",
        sha256 = "ea6cc5d87b033cf0aedfbc8f9549a908cae6c50ac31f1698188fa48a74524b54",
    ),
    "zig_macos_aarch64": _archive(
        platforms = "macosx_13_0_arm64",
        sha256 = "09953b6af7f64168b915180a42774f520f92d86ef6331b28e33915c7e1f0bb23",
    ),
}
