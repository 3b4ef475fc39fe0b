"""`installed_test`: an accelerator's wheel, installed on a machine without the accelerator."""

load("//bazel/testing:pytest_test.bzl", "pytest_test")
load(":accelerator_table.bzl", "TABLE", "TABLE_ENVIRONMENT", "TABLE_READER")

_HARNESS = [
    "//tests/accelerators/harness:installed.py",
    "//tests/accelerators/harness:without_driver_test.py",
    TABLE_READER,
]

_MAIN_WHEEL = ["//tests/accelerators/harness:needed_libraries_test.py"]

def installed_test(
        name,
        facts,
        site,
        srcs = [],
        data = [],
        env = {},
        is_in_main_wheel = True,
        **kwargs):
    """Declares the tests of the harness, and those of the accelerator.

    Args:
      name: name of the test.
      facts: `installed_facts.py`, whose `FACTS` are an Installed (installed.py).
      site: an `installed_wheels` target with pytest, llama_cpp and the backend.
      srcs: tests of the accelerator's own, and modules that they import by their plain names.
      data: files that they read.
      env: more environment variables.
      is_in_main_wheel: whether the backend is in the wheel of llama_cpp, not in a plug-in.
      **kwargs: passed on to pytest_test.
    """
    pytest_test(
        name = name,
        srcs = srcs + [facts] + _HARNESS + (_MAIN_WHEEL if is_in_main_wheel else []),
        data = data + [TABLE],
        env = env | TABLE_ENVIRONMENT,
        site = site,
        **kwargs
    )
