"""Debian's HIP, in the lock file's versions: clang for AMD's GPUs, device libraries, headers."""

ROCM_PACKAGES = {
    "rocm_packages": dict(
        build_file = Label("//third_party/rocm:packages.BUILD"),
        leave_out = [
            "etc",
            "usr/lib/*/cmake",
            "usr/lib/*/gconv",
            "usr/lib/*/pkgconfig",
            "usr/share/bash-completion",
            "usr/share/gdb",
        ],
        library_folders = ["usr/lib/llvm-21/lib"],
        lock = Label("//third_party/rocm:packages.lock.json"),
        relocate_programs = True,
    ),
}
