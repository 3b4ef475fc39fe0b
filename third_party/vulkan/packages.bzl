"""Repositories of Vulkan's packages; the lock files beside this one have the versions."""

VULKAN_PACKAGES = {
    # Debian 12's knows none of the extensions that ggml's faster shaders use. This one needs a
    # newer C library.
    "vulkan_glslc": dict(
        build_file = Label("//third_party/vulkan:glslc.BUILD"),
        leave_out = [
            "etc",
            "usr/lib/*/gconv",
            "usr/share",
        ],
        lock = Label("//third_party/vulkan:glslc.lock.json"),
        relocate_programs = True,
    ),
    "vulkan_headers": dict(
        build_file = Label("//third_party/vulkan:headers.BUILD"),
        leave_out = [
            "usr/lib",
            "usr/share/pkgconfig",
            "usr/share/vulkan",
        ],
        lock = Label("//third_party/vulkan:headers.lock.json"),
    ),
    # The oldest, because the Python of the tests opens it: it runs with newer C libraries, not with
    # older ones.
    "vulkan_lavapipe": dict(
        build_file = Label("//third_party/vulkan:lavapipe.BUILD"),
        leave_out = [
            "etc",
            "usr/bin",
            "usr/lib/*/libVkLayer*",
            "usr/lib/*/libvulkan_intel*",
            "usr/lib/*/libvulkan_radeon*",
            "usr/share",
        ],
        lock = Label("//third_party/vulkan:lavapipe.lock.json"),
        plugins = ["usr/lib/*/libvulkan_lvp.so"],
    ),
}
