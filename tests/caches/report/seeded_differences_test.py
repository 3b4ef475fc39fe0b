"""Five deliberate differences in a workspace that a real Bazel builds: the report names each.

The workspace is small and has no toolchain: three units that a script "compiles", and one that
takes all three.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import unittest
from pathlib import Path
from typing import Any

import cache_report
import nested_bazel
from nested_bazel import Workspace

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


class SeededDifferencesTest(unittest.TestCase):
    """All builds happen once for all tests."""

    @classmethod
    def setUpClass(cls) -> None:
        # Always the same directory: bazelw remembers something about each one.
        cls.folder = Path(os.environ["TEST_TMPDIR"]) / "nested"
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        workspace = cls._make_workspace()
        cls.addClassCleanup(workspace.remove)
        cls.logs = {"first": cls._build(workspace, "first")}
        for name, (file, before, after) in _DIFFERENCES.items():
            path = workspace.folder / file
            text = path.read_text()
            assert text.count(before) == 1, f"{before} in {path}"
            path.write_text(text.replace(before, after))
            cls.logs[name] = cls._build(workspace, name)

    @classmethod
    def _make_workspace(cls) -> Workspace:
        project, small = cls.folder / "project", cls.folder / "small"
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
        return Workspace(small, cls.folder / "output", environment, options)

    @classmethod
    def _build(cls, workspace: Workspace, name: str) -> Path:
        workspace.build(["//:linked"])
        return workspace.log.rename(cls.folder / f"{name}.json")

    def _causes(self, difference: str) -> list[dict[str, Any]]:
        """Returns the report on the build with a difference and the one before it."""
        names = list(self.logs)
        logs = [str(self.logs[names[names.index(difference) + i]]) for i in (-1, 0)]
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self.assertEqual(0, cache_report.main([*logs, "--format=json"]))
        report = json.loads(out.getvalue())
        for cause in report["causes"]:
            print(f"{difference}: {len(cause['ran'])} ran: {cause['text']}")
        return report["causes"]

    def _assert_cause(
        self, difference: str, kind: str, name: str, before: str | None, after: str | None
    ) -> None:
        """Asserts that the units have this one cause, and only their consequences another."""
        cause, *others = self._causes(difference)
        self.assertEqual(kind, cause["kind"])
        (change,) = cause["changes"]
        self.assertEqual(name, change["name"])
        if before is not None:
            self.assertEqual((before, after), (change["before"], change["after"]))
        self.assertNotEqual(change["before"], change["after"])
        self.assertEqual(["//:a", "//:b", "//:c"], sorted(a["label"] for a in cause["ran"]))
        self.assertLessEqual(
            {other["text"] for other in others},
            {"outputs of other actions that changed: UnitCompile"},
        )

    def test_the_first_build_made_everything(self) -> None:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            cache_report.main([str(self.logs["first"]), "--format=json"])
        (log,) = json.loads(out.getvalue())["logs"]
        counts = {kind: row["outcomes"] for kind, row in log["actions"].items()}
        self.assertEqual({"UnitCompile": {"executed": 3}, "UnitLink": {"executed": 1}}, counts)

    def test_a_flag(self) -> None:
        self._assert_cause("flag", "argument", "", "-O2", "-O3")

    def test_an_environment_variable(self) -> None:
        self._assert_cause("variable", "environment", "MODE", "plain", "fancy")

    def test_a_header(self) -> None:
        self._assert_cause("header", "input", "common.h", None, None)

    def test_a_tool(self) -> None:
        self._assert_cause("tool", "tool", "compile.sh", None, None)

    def test_a_platform_property(self) -> None:
        self._assert_cause("property", "platform", "Pool", "small", "large")

    def test_what_follows_has_a_line_of_its_own(self) -> None:
        texts = [cause["text"] for cause in self._causes("header")]
        self.assertIn("outputs of other actions that changed: UnitCompile", texts)


if __name__ == "__main__":
    unittest.main()
