"""A small extension per ABI, imported by that ABI's interpreter."""

load("@rules_cc//cc:cc_library.bzl", "cc_library")
load("//bazel/testing:pytest_test.bzl", "pytest_test")
load("//bazel/toolchains/python:abis.bzl", "PYTHON_ABIS")
load("//bazel/toolchains/python:machines.bzl", "ext_suffix_select")
load("//bazel/wheel:defs.bzl", "py_extension")

def abi_probe_tests(name):
    """Declares `<name>_<abi>` for every ABI; those without headers or interpreter are skipped.

    Args:
      name: prefix of the targets.
    """
    for abi in PYTHON_ABIS:
        cc_library(
            name = "{}_{}_objects".format(name, abi),
            srcs = ["abi_probe.c"],
            deps = ["@python_{}//:headers".format(abi)],
        )
        py_extension(
            name = "{}_{}_extension".format(name, abi),
            ext_suffix = ext_suffix_select(abi),
            module = "abi_probe",
            deps = [":{}_{}_objects".format(name, abi)],
        )
        pytest_test(
            name = "{}_{}".format(name, abi),
            size = "small",
            srcs = ["abi_probe_test.py"],
            data = [
                ":{}_{}_extension".format(name, abi),
                "@python_{}//:python".format(abi),
            ],
            env = {
                "EXTENSION": "$(rootpath :{}_{}_extension)".format(name, abi),
                "INTERPRETER": "$(rootpath @python_{}//:python)".format(abi),
            },
            site = "//tests:tools",
        )
