"""Repository of libFuzzer's packages; the lock file beside this one has the versions."""

LIBFUZZER_PACKAGES = {
    "libfuzzer": dict(
        build_file = Label("//third_party/libfuzzer:libfuzzer.BUILD"),
        leave_out = [
            "usr/include",
            "usr/lib/clang",
            "usr/share",
        ],
        lock = Label("//third_party/libfuzzer:libfuzzer.lock.json"),
    ),
}
