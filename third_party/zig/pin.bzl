"""The zig wheels: clang and lld for the machine that compiles."""

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

ZIG_ARCHIVES = {
    "zig_linux_x86_64": dict(
        build_file = Label("//third_party/zig:zig.BUILD"),
        executables = ["zig"],
        # Beside zig, so that their paths are the same in every workspace (//bazel/repositories).
        files = {
            Label("//bazel/toolchains/zig:" + script): script
            for script in ZIG_SCRIPTS
        },
        file = (
            "ziglang-{}-py3-none-manylinux_2_12_x86_64.manylinux2010_x86_64." +
            "musllinux_1_1_x86_64.whl"
        ).format(ZIG_VERSION),
        package = "ziglang",
        sha256 = "ea6cc5d87b033cf0aedfbc8f9549a908cae6c50ac31f1698188fa48a74524b54",
        strip_prefix = "ziglang",
    ),
}
