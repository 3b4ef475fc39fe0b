"""Module extension that declares @downstream_wheels, for the Python that runs the tests.

The wheels are for Linux on x86-64; elsewhere, and for a Python without a lock, the repository is
empty.
"""

load("@local_python//:abi.bzl", "ABI_TAG")
load("//bazel/pip:pip_files.bzl", "pip_files")
load(":wheels.bzl", "downstream_wheels")

def _downstream_impl(module_ctx):
    is_linux_x86_64 = module_ctx.os.name == "linux" and module_ctx.os.arch in ["amd64", "x86_64"]
    pip_files(
        name = "downstream_wheels",
        files = downstream_wheels(ABI_TAG) if is_linux_x86_64 else {},
        optional = True,
    )

downstream = module_extension(
    implementation = _downstream_impl,
    doc = "Declares the wheels of packages that use llama-cpp-python.",
)
