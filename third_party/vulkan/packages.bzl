"""Repositories of Vulkan's packages; which versions is in the lock files beside this one."""

VULKAN_PACKAGES = {
    # Debian 12's knows none of the extensions that ggml's faster shaders use. This one needs a newer C library.
    "vulkan_glslc": dict(
        build_file = "//third_party/vulkan:glslc.BUILD",
        leave_out = [
            "etc",
            "usr/lib/*/gconv",
            "usr/share",
        ],
        lock = "//third_party/vulkan:glslc.lock.json",
        relocate_programs = True,
    ),
}
