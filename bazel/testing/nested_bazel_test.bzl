"""`nested_bazel_test`: a test that runs Bazel on a copy of the project."""

load(":pytest_test.bzl", "pytest_test")

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

# nested_bazel, its import, and the fixtures.
_HELPERS = [
    "//bazel/testing:nested_bazel.py",
    "//bazel/testing:nested_bazel_fixtures.py",
    "//tools/cache_report:execution_log.py",
]

# Files of repositories that take seconds to fetch. The nested Bazel uses the outer one's copies
# (`shared_repositories` of nested_bazel.py).
_REPOSITORIES = [
    "//third_party/zig:zig",
    "@llama_cpp//:LICENSE",
    "@packaging//:packaging",
    "@pybind11//:license",
    "@pyelftools//:pyelftools",
]

def nested_bazel_test(name, srcs, archive, data = [], env = {}, **kwargs):
    """Declares a pytest suite with its caller's Bazel and a copy of the project.

    The copy is the archive that `PROJECT_ARCHIVE` names.

    Args:
      name: name of the test.
      srcs: the test file and the modules that it imports by their plain names, beside
        `nested_bazel`.
      archive: the archive of a `project_archive` (bazel/testing/project_archive.bzl).
      data: files that the test reads beside it.
      env: more environment variables.
      **kwargs: passed on to pytest_test.
    """
    pytest_test(
        name = name,
        srcs = srcs + _HELPERS,
        data = data + [archive] + _REPOSITORIES,
        env = env | {
            "PROJECT_ARCHIVE": "$(rootpath {})".format(archive),
            # Counts and times of a passing test are in its log too, and of one that is killed.
            "PYTEST_ADDOPTS": "--capture=no",
            "PYTHONUNBUFFERED": "1",
            "REPOSITORIES": " ".join(["$(rootpaths {})".format(label) for label in _REPOSITORIES]),
        },
        env_inherit = _ENVIRONMENT,
        site = "//tests:tools",
        tags = _TAGS,
        **kwargs
    )
