"""The table of ABIs, and the file names of extensions."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("@local_python//:abi.bzl", "ABI_TAG", "EXT_SUFFIX")
load("//bazel/toolchains/python:abis.bzl", "PYTHON_ABIS")
load("//bazel/toolchains/python:machines.bzl", "PYTHON_MACHINES", "ext_suffix")

def _abis_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, ".cpython-314t-x86_64-linux-gnu.so", ext_suffix("cp314t", "linux_x86_64"))
    asserts.equals(env, ".cpython-39-aarch64-linux-gnu.so", ext_suffix("cp39", "linux_aarch64"))
    asserts.equals(env, ".cpython-313-darwin.so", ext_suffix("cp313", "macos_aarch64"))

    # The names of extension modules in NumPy's wheels for musl.
    asserts.equals(env, ".cpython-310-x86_64-linux-gnu.so", ext_suffix("cp310", "musl_x86_64"))
    asserts.equals(env, ".cpython-311-x86_64-linux-musl.so", ext_suffix("cp311", "musl_x86_64"))
    asserts.equals(env, ".cpython-39-aarch64-linux-gnu.so", ext_suffix("cp39", "musl_aarch64"))
    asserts.equals(env, ".cpython-314t-aarch64-linux-musl.so", ext_suffix("cp314t", "musl_aarch64"))

    # CPython's PC/pyconfig.h, PYD_TAGGED_SUFFIX.
    asserts.equals(env, ".cp313-win_amd64.pyd", ext_suffix("cp313", "windows_x86_64"))
    asserts.equals(env, ".cp314t-win_amd64.pyd", ext_suffix("cp314t", "windows_x86_64"))

    # An interpreter's own word for it.
    asserts.true(env, EXT_SUFFIX in [ext_suffix(ABI_TAG, machine) for machine in PYTHON_MACHINES])
    for tag, abi in PYTHON_ABIS.items():
        asserts.equals(env, tag.endswith("t"), abi.free_threaded)
        asserts.equals(env, "cp" + abi.python_version.replace(".", ""), tag.removesuffix("t"))
    return unittest.end(env)

abis_test = unittest.make(_abis_test_impl)
