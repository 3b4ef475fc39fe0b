"""`native_modules`: the native module llama_cpp._core, once per Python ABI."""

load("@rules_cc//cc:cc_library.bzl", "cc_library")
load("//bazel/cc:unity_sources.bzl", "unity_source")
load("//bazel/toolchains/python:abis.bzl", "PYTHON_ABIS")
load("//bazel/toolchains/python:machines.bzl", "ext_suffix_select", "python_dll")
load("//bazel/wheel:defs.bzl", "py_extension")

def native_modules(name, units, hdrs, copts, deps, visibility):
    """Declares `<name>_<abi>` for every ABI of PYTHON_ABIS.

    Args:
      name: prefix of the modules' targets.
      units: name -> sources, files of this package that are compiled together. Reading pybind11
        takes most of a file's compile time, and every ABI compiles all of them.
      hdrs: their headers.
      copts: their compiler options.
      deps: libraries that they need beside Python's headers.
      visibility: of the modules.
    """
    generated = {
        unit: unity_source(
            "{}_{}_unit".format(name, unit),
            ["{}/{}".format(native.package_name(), src) for src in srcs],
        )
        for unit, srcs in units.items()
    }
    for abi in PYTHON_ABIS:
        objects = {unit: "{}_{}_{}".format(name, abi, unit) for unit in units}
        for unit, srcs in units.items():
            cc_library(
                name = objects[unit],
                srcs = [generated[unit]],
                hdrs = hdrs,
                copts = copts,
                linkstatic = True,
                textual_hdrs = srcs,
                deps = deps + ["@python_{}//:headers".format(abi)],
            )
        py_extension(
            name = "{}_{}".format(name, abi),
            dynamic_deps = [
                "@llama_cpp//:ggml-base_so",
                "@llama_cpp//:ggml_so",
                "@llama_cpp//:llama_so",
                "@llama_cpp//:mtmd_so",
            ],
            ext_suffix = ext_suffix_select(abi),
            module = "_core",
            python_dll = python_dll(abi),
            # The native libraries are in the package's lib directory.
            runpath = "$ORIGIN/lib",
            visibility = visibility,
            deps = [":" + library for library in objects.values()],
        )
