"""`pytest_test`: a pytest suite that runs against installed wheels."""

load("@rules_python//python:py_test.bzl", "py_test")
load(":slow_tests.bzl", "slow_attributes")

def pytest_test(name, srcs, site, data = [], env = {}, tags = [], **kwargs):
    """Runs pytest over `srcs`; importable are only the packages of an `installed_wheels` directory.

    Args:
      name: name of the test.
      srcs: test files, conftest.py files, and modules that they import by their plain names; files
        called `*_test.py` are collected. Filegroups of such files too.
      site: an `installed_wheels` target that has pytest.
      data: files that the tests read.
      env: environment; `$(rootpath ...)` is expanded, and the runner makes values that name a
        runfile absolute.
      tags: tags of the test; one of SLOW_TESTS is manual too.
      **kwargs: passed on to py_test (size, timeout, ...).
    """
    py_test(
        name = name,
        srcs = srcs + ["//bazel/testing:run_pytest.py"],
        main = "//bazel/testing:run_pytest.py",
        args = ["$(rootpaths {})".format(file) for file in [site] + srcs],
        data = data + [site],
        env = env,
        **(slow_attributes(name, tags) | kwargs)
    )
