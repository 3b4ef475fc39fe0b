"""Repository of musl; the lock file beside this one has the version."""

MUSL_PACKAGES = {
    # The oldest that Debian has: the files for musl promise to run with old versions.
    "musl": dict(
        build_file = Label("//third_party/musl:packages.BUILD"),
        leave_out = [
            "etc",
            "usr/bin",
            "usr/share",
        ],
        lock = Label("//third_party/musl:packages.lock.json"),
    ),
}
