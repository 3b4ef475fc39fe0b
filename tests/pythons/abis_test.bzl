"""The table of ABIs, and what extensions are called."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("@local_python//:abi.bzl", "ABI_TAG", "EXT_SUFFIX")
load("//bazel/toolchains/python:abis.bzl", "PYTHON_ABIS", "ext_suffix")
load("//platforms:platforms.bzl", "LINUX_CPUS")

def _abis_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, ".cpython-314t-x86_64-linux-gnu.so", ext_suffix("cp314t", "x86_64"))
    asserts.equals(env, ".cpython-39-aarch64-linux-gnu.so", ext_suffix("cp39", "aarch64"))

    # An interpreter's own word for it.
    asserts.true(env, EXT_SUFFIX in [ext_suffix(ABI_TAG, cpu) for cpu in LINUX_CPUS])
    for tag, abi in PYTHON_ABIS.items():
        asserts.equals(env, tag.endswith("t"), abi.free_threaded)
        asserts.equals(env, "cp" + abi.python_version.replace(".", ""), tag.removesuffix("t"))
    return unittest.end(env)

abis_test = unittest.make(_abis_test_impl)
