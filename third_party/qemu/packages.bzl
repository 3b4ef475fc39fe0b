"""Repository of qemu-user and of a C library for 64-bit ARM; the lock file has the versions."""

QEMU_PACKAGES = {
    "qemu": dict(
        build_file = Label("//third_party/qemu:packages.BUILD"),
        leave_out = [
            "etc",
            "usr/aarch64-linux-gnu/include",
            "usr/bin/qemu-[!a]*",
            "usr/bin/qemu-a[!a]*",
            "usr/bin/qemu-aarch64_*",
            "usr/lib",
            "usr/libexec",
            "usr/sbin",
            "usr/share",
        ],
        lock = Label("//third_party/qemu:packages.lock.json"),
    ),
}
