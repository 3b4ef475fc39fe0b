"""The repository of Debian's HIP: clang for AMD's GPUs, its device libraries, and headers. Which
versions is in the lock file.
"""

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
