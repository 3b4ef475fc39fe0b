"""`command_lines_test`: the command lines of an accelerator's library."""

load("//bazel/testing:nested_bazel_test.bzl", "nested_bazel_test")
load(":accelerator_table.bzl", "TABLE", "TABLE_ENVIRONMENT", "TABLE_READER")

_HARNESS = [
    "//tests/accelerators/harness:command_line_fixtures.py",
    "//tests/accelerators/harness:command_lines.py",
    "//tests/accelerators/harness:command_lines_test.py",
    "//tests/accelerators/cuda:toolkits.py",
    TABLE_READER,
]

_ARCHITECTURES = ["//tests/accelerators/harness:architecture_flags_test.py"]

def command_lines_test(
        name,
        srcs,
        archive = "@project_archive//:project.tar",
        has_architectures = False):
    """Declares the tests of the harness, and those of the accelerator.

    Args:
      name: name of the test.
      srcs: `command_line_facts.py`, whose `FACTS` are a CommandLines (command_lines.py), modules
        that it imports by their plain names, and tests of the accelerator's own.
      archive: the archive of a `project_archive` with the library's sources.
      has_architectures: whether a flag chooses GPU architectures.
    """
    nested_bazel_test(
        name = name,
        size = "large",
        srcs = srcs + (_ARCHITECTURES if has_architectures else []) + _HARNESS,
        archive = archive,
        data = [TABLE],
        env = TABLE_ENVIRONMENT,
    )
