"""Five deliberate differences in a workspace that a real Bazel builds: the report names each.

The workspace is small and has no toolchain: three units that a script "compiles", and one that
takes all three.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
from pathlib import Path
from typing import Any

import cache_report
import nested_bazel
import pytest
from nested_bazel import Workspace

pytest_plugins = ["nested_bazel_fixtures"]

_RULE = """\
def _impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ".o")
    ctx.actions.run(
        executable = ctx.executable.tool,
        arguments = [out.path] + ctx.attr.copts + [file.path for file in ctx.files.srcs],
        env = ctx.attr.env,
        inputs = ctx.files.srcs + ctx.files.hdrs,
        outputs = [out],
        mnemonic = "Unit" + ctx.attr.kind,
    )
    return [DefaultInfo(files = depset([out]))]

unit = rule(
    implementation = _impl,
    attrs = {
        "copts": attr.string_list(),
        "env": attr.string_dict(),
        "hdrs": attr.label_list(allow_files = True),
        "kind": attr.string(),
        "srcs": attr.label_list(allow_files = True),
        "tool": attr.label(allow_single_file = True, cfg = "exec", executable = True),
    },
)
"""

_BUILD = """\
load(":unit.bzl", "unit")

[
    unit(
        name = name,
        srcs = [name + ".c"],
        hdrs = ["common.h"],
        copts = ["-O2"],
        env = {"MODE": "plain"},
        exec_properties = {"Pool": "small"},
        kind = "Compile",
        tool = "compile.sh",
    )
    for name in ["a", "b", "c"]
]

unit(
    name = "linked",
    srcs = [":a", ":b", ":c"],
    kind = "Link",
    tool = "link.sh",
)
"""

# Its output depends on all of its inputs and attributes.
_TOOL = """\
#!/bin/sh
out=$1
shift
{ echo "$@" "$MODE"; cat common.h; } >"$out"
"""

_FILES = {
    "BUILD.bazel": _BUILD,
    "MODULE.bazel": 'module(name = "small")\n',
    "a.c": "a\n",
    "b.c": "b\n",
    "c.c": "c\n",
    "common.h": "old\n",
    "compile.sh": _TOOL,
    "link.sh": '#!/bin/sh\nout=$1\nshift\ncat "$@" >"$out"\n',
    "unit.bzl": _RULE,
}

# Name of the difference -> file, old text, new text. Each comes on top of the earlier ones.
_DIFFERENCES = {
    "flag": ("BUILD.bazel", '"-O2"', '"-O3"'),
    "variable": ("BUILD.bazel", '"plain"', '"fancy"'),
    "header": ("common.h", "old", "new"),
    "tool": ("compile.sh", "shift", "shift 1"),
    "property": ("BUILD.bazel", '"small"', '"large"'),
}


def _make_workspace(folder: Path) -> Workspace:
    project, small = folder / "project", folder / "small"
    nested_bazel.unpack_project(os.environ["PROJECT_ARCHIVE"], project)
    small.mkdir()
    for name, content in _FILES.items():
        (small / name).write_text(content)
        (small / name).chmod(0o755)
    (small / "bazelw").symlink_to(project / "bazelw")
    environment = nested_bazel.inherited_environment()
    options = (
        *nested_bazel.common_options(environment),
        "--disk_cache=",
        "--incompatible_strict_action_env",
        "--jobs=1",
        "--lockfile_mode=off",
        # A closed network's settings name a module that nothing here depends on.
        "--override_module=rules_cuda=",
    )
    return Workspace(small, folder / "output", environment, options)


def _build(workspace: Workspace, log: Path) -> Path:
    workspace.build(["//:linked"])
    return workspace.log.rename(log)


@pytest.fixture(scope="module")
def logs(nested_folder: Path) -> dict[str, Path]:
    """Returns a mapping: build -> its execution log. Each has a difference to the one before it."""
    with _make_workspace(nested_folder) as workspace:
        result = {"first": _build(workspace, nested_folder / "first.json")}
        for name, (file, before, after) in _DIFFERENCES.items():
            path = workspace.folder / file
            text = path.read_text()
            assert text.count(before) == 1, f"{before} in {path}"
            path.write_text(text.replace(before, after))
            result[name] = _build(workspace, nested_folder / f"{name}.json")
    return result


def _causes(logs: dict[str, Path], difference: str) -> list[dict[str, Any]]:
    """Returns the report on the build with a difference and the one before it."""
    names = list(logs)
    pair = [str(logs[names[names.index(difference) + i]]) for i in (-1, 0)]
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert cache_report.main([*pair, "--format=json"]) == 0
    report = json.loads(out.getvalue())
    for cause in report["causes"]:
        print(f"{difference}: {len(cause['ran'])} ran: {cause['text']}")
    return report["causes"]


def test_the_first_build_made_everything(logs):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        cache_report.main([str(logs["first"]), "--format=json"])
    (log,) = json.loads(out.getvalue())["logs"]
    counts = {kind: row["outcomes"] for kind, row in log["actions"].items()}
    assert counts == {"UnitCompile": {"executed": 3}, "UnitLink": {"executed": 1}}


@pytest.mark.parametrize(
    "difference, kind, name, before, after",
    [
        ("flag", "argument", "", "-O2", "-O3"),
        ("variable", "environment", "MODE", "plain", "fancy"),
        ("header", "input", "common.h", None, None),
        ("tool", "tool", "compile.sh", None, None),
        ("property", "platform", "Pool", "small", "large"),
    ],
    ids=list(_DIFFERENCES),
)
def test_a_difference(logs, difference, kind, name, before, after):
    """The units have this one cause, and only their consequences another."""
    cause, *others = _causes(logs, difference)
    assert cause["kind"] == kind
    (change,) = cause["changes"]
    assert change["name"] == name
    if before is not None:
        assert (change["before"], change["after"]) == (before, after)
    assert change["before"] != change["after"]
    assert sorted(a["label"] for a in cause["ran"]) == ["//:a", "//:b", "//:c"]
    follows = {"outputs of other actions that changed: UnitCompile"}
    assert {other["text"] for other in others} <= follows


def test_what_follows_has_a_line_of_its_own(logs):
    texts = [cause["text"] for cause in _causes(logs, "header")]
    assert "outputs of other actions that changed: UnitCompile" in texts
