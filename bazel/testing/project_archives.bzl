"""Module extension with the copies of the project that tests read, or run Bazel on."""

load(":project_archive.bzl", "project_archive")

_BAZELW = [
    ".bazelversion",
    "bazelw",
]

# Files of the root directory that Bazel reads for the analysis of any target.
_ROOT = _BAZELW + [
    ".bazelrc",
    "BUILD.bazel",
    "LICENSE",
    "MODULE.bazel",
]

_BUILD = [
    "bazel",
    "packaging",
    "platforms",
    "third_party",
]

_WHEEL = _BUILD + [
    "llama_cpp",
    "native",
]

_ARCHIVES = {
    # For a workspace of the test's own.
    "bazelw_archive": struct(
        files = _BAZELW,
        folders = ["bazel/offline"],
    ),
    # The workspace that depends on the project, and as much as that needs.
    "consumer_archive": struct(
        files = _ROOT + ["README.md"],
        folders = _WHEEL + [
            "examples/monorepo",
            "tests/models",
        ],
    ),
    # The rules, llama.cpp's libraries and the small wheels.
    "project_archive": struct(
        files = _ROOT + ["llama_cpp/BUILD.bazel"],
        folders = _BUILD + [
            "tests/caches/remote",
            "tests/caches/reproducibility",
        ],
    ),
    # The wheels, built by Bazel and by front ends.
    "wheel_project_archive": struct(
        files = _ROOT + [
            "README.md",
            "pyproject.toml",
        ],
        folders = _WHEEL + [
            "tests/caches/reproducibility",
            "tools/pep517",
        ],
    ),
    # Everything that Bazel reads, and the tree as text.
    "whole_project_archive": struct(
        files = _ROOT + [
            ".bazelignore",
            "CONTRIBUTING.md",
            "README.md",
            "pyproject.toml",
            "ruff.toml",
        ],
        folders = _WHEEL + [
            ".ci",
            ".github",
            "benchmarks",
            "docs",
            "examples",
            "tests",
            "tools",
        ],
    ),
}

def _project_archives_impl(_module_ctx):
    for name, archive in _ARCHIVES.items():
        project_archive(
            name = name,
            files = archive.files,
            folders = archive.folders,
        )

project_archives = module_extension(
    implementation = _project_archives_impl,
    doc = "Declares `@<name>//:project.tar` for each archive.",
)
