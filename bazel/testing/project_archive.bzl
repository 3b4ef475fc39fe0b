"""`project_archive`: this project's files as an archive, for tests that run Bazel on a copy.

A test cannot name the files of other packages; this rule packs them, and watches them, so that the
test runs again when one of them changes and not otherwise.
"""

_TAR = [
    "tar",
    "--create",
    # The same files give the same archive, whoever packs them and when.
    "--group=0",
    "--mtime=@0",
    "--numeric-owner",
    "--owner=0",
    "--sort=name",
]

# Python's and ruff's caches, and the links that a Bazel used in a nested workspace leaves.
_LEFT_OUT = ["__pycache__", ".ruff_cache", "bazel-*"]

def _is_left_out(name):
    return name in _LEFT_OUT or name.startswith("bazel-")

def _watch(rctx, folder):
    for child in folder.readdir():
        if _is_left_out(child.basename):
            continue
        if child.is_dir:
            rctx.watch_tree(child)
        else:
            rctx.watch(child)

def _project_archive_impl(rctx):
    for folder in rctx.attr.folders:
        _watch(rctx, rctx.workspace_root.get_child(folder))
    for file in rctx.attr.files:
        rctx.watch(rctx.workspace_root.get_child(file))
    result = rctx.execute(
        _TAR + ["--exclude=" + pattern for pattern in _LEFT_OUT] +
        ["--file=project.tar", "--directory={}".format(rctx.workspace_root)] +
        rctx.attr.files + rctx.attr.folders,
    )
    if result.return_code:
        fail("project_archive: tar failed: " + result.stderr.strip())
    rctx.file("BUILD.bazel", "exports_files([\"project.tar\"])\n")

project_archive = repository_rule(
    implementation = _project_archive_impl,
    attrs = {
        "files": attr.string_list(
            doc = "Single files, by their paths below the project's root directory.",
            mandatory = True,
        ),
        "folders": attr.string_list(
            doc = "Directories of the project's root directory.",
            mandatory = True,
        ),
    },
    doc = "Declares the file `project.tar`.",
)
