"""Repository of the runtime of `--config=asan`; the lock file beside this one has the version."""

LIBASAN_PACKAGES = {
    # The oldest, because the Python of the tests loads it: it runs with newer C libraries, not with
    # older ones.
    "libasan": dict(
        build_file = Label("//third_party/libasan:packages.BUILD"),
        leave_out = ["usr/share"],
        lock = Label("//third_party/libasan:packages.lock.json"),
    ),
}
