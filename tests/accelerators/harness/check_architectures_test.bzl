"""`check_architectures_test`: the checker that compares a library's GPU architectures with those
requested."""

load("//bazel/testing:pytest_test.bzl", "pytest_test")

_HARNESS = [
    "//tests/accelerators/harness:architectures.py",
    "//tests/accelerators/harness:check_architectures_test.py",
]

def check_architectures_test(name, facts, checker):
    """Declares the test.

    Args:
      name: its name.
      facts: `architecture_facts.py`, whose `CASES` and `arguments` architectures.py describes.
      checker: the program.
    """
    pytest_test(
        name = name,
        size = "small",
        srcs = [facts] + _HARNESS,
        data = [checker],
        env = {"CHECKER": "$(rootpath {})".format(checker)},
        site = "//tests:tools",
    )
