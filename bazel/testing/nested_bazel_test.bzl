"""`nested_bazel_test`: a test that runs Bazel on a copy of the project."""

load("@rules_python//python:py_test.bzl", "py_test")

# Where the nested Bazel, its caches and packages are found.
_ENVIRONMENT = [
    "BAZEL",
    "HOME",
    "PATH",
    "PIP_CERT",
    "PIP_CONFIG_FILE",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_INDEX_URL",
    "USER",
    "XDG_CACHE_HOME",
]

_TAGS = [
    # The nested Bazel uses every core.
    "exclusive",
    # It makes sandboxes of its own, and reads the user's caches.
    "local",
    # For files that the repository cache has lost.
    "requires-network",
]

def nested_bazel_test(name, archive, data = [], env = {}, **kwargs):
    """Declares a py_test with its caller's Bazel and a copy of the project in `PROJECT_ARCHIVE`.

    Args:
      name: name of the test.
      archive: the archive of a `project_archive` (tests/reproducibility/project_archive.bzl).
      data: files that the test reads beside it.
      env: more environment variables.
      **kwargs: passed on to py_test.
    """
    py_test(
        name = name,
        data = data + [archive],
        env = env | {"PROJECT_ARCHIVE": "$(rootpath {})".format(archive)},
        env_inherit = _ENVIRONMENT,
        # The modules of these suites import each other by their plain names.
        imports = ["."],
        tags = _TAGS,
        **kwargs
    )
