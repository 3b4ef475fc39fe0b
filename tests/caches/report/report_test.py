"""The program: its table, its JSON, its picture, and its messages about files that it can't use."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import re
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import cache_report
from made_up import compile_action, link_action, write_log

_SVG = "{http://www.w3.org/2000/svg}"

# An event has a line of its own, as Bazel writes it.
_PROFILE = """\
{"otherData":{"bazel_version":"release 7.7.1"},"traceEvents":[
    {"cat":"action processing","name":"Compiling x.c","ph":"X","ts":1,"dur":2000000,\
"args":{"mnemonic":"CppCompile"},"tid":5},
    {"cat":"critical path component","name":"action 'Compiling x.c'","ph":"X","ts":1,\
"dur":1500000,"tid":0},
    {"cat":"critical path component","name":"action 'Copying y'","ph":"X","ts":1,\
"dur":250000,"tid":0}
  ]
}
"""

_NAMES = tuple(f"x{number}" for number in range(30))


def _build(option: str, **changed: Any) -> list[dict[str, Any]]:
    return [
        *(compile_action(name, commandArgs=[option], **changed) for name in _NAMES),
        link_action(dict.fromkeys(_NAMES, option)),
    ]


class ReportTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def _write(self, name: str, content: bytes | str) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def _run(self, *arguments: str | Path, code: int = 0) -> str:
        """Returns the output; with an error code, that on standard error."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            result = cache_report.main(list(map(str, arguments)))
        self.assertEqual(code, result, err.getvalue())
        self.assertEqual("", out.getvalue() if code else err.getvalue())
        return err.getvalue() if code else out.getvalue()

    def _two_logs(self) -> tuple[Path, Path]:
        hit = {"cacheHit": True, "runner": "disk cache hit"}
        first = [*_build("-O2"), compile_action("y")]
        second = [*_build("-O3"), compile_action("y", **hit)]
        return (
            write_log(self.folder / "first.json", first),
            write_log(self.folder / "second.json", second),
        )

    def test_a_table_of_one_log(self) -> None:
        text = self._run(self._two_logs()[1])
        lines = [re.split(r"  +", line) for line in text.splitlines()]
        self.assertEqual(
            ["action", "executed", "disk cache hit", "remote cache hit", "output MB", "wall s"],
            lines[1],
        )
        self.assertEqual(["CppCompile", "30", "1", "0", "0.0", "46.5"], lines[2])
        self.assertEqual(["CppLink", "1", "0", "0", "0.0", "1.5"], lines[3])
        self.assertEqual(["all", "31", "1", "0", "0.0", "48.0"], lines[4])
        self.assertEqual([["Executed by: linux-sandbox 31."]], lines[5:])

    def test_the_critical_path_comes_from_a_profile(self) -> None:
        log = self._two_logs()[0]
        for profile in (
            self._write("profile", _PROFILE),
            self._write("profile.gz", gzip.compress(_PROFILE.encode())),
        ):
            text = self._run(log, "--profile", profile)
            seconds = {
                line.split()[0]: re.split(r"  +", line)[-1] for line in text.splitlines()[1:-1]
            }
            self.assertEqual(
                {
                    "action": "critical path s",
                    "CppCompile": "1.5",
                    "CppLink": "0.0",
                    "(other)": "0.2",
                    "all": "1.8",
                },
                seconds,
            )

    def test_two_logs(self) -> None:
        text = self._run(*self._two_logs())
        self.assertIn("    30     0  argument: -O2 -> -O3\n", text)
        self.assertIn("     1     0  outputs of other actions that changed: CppCompile\n", text)

    def test_nothing_ran_again(self) -> None:
        first, _ = self._two_logs()
        empty = self._write("empty.json", "")
        self.assertIn("No action of the second build ran again.", self._run(first, empty))

    def test_json(self) -> None:
        report = json.loads(self._run(*self._two_logs(), "--format=json"))
        row = report["logs"][1]["actions"]["CppCompile"]
        self.assertEqual({"executed": 30, "disk cache hit": 1}, row["outcomes"])
        self.assertEqual(30 * 2 * 500 + 20 * 500 + 500, row["output_bytes"])
        self.assertEqual(46.5, row["wall_seconds"])
        cause = report["causes"][0]
        self.assertEqual("argument", cause["kind"])
        self.assertEqual([{"name": "", "before": "-O2", "after": "-O3"}], cause["changes"])
        self.assertEqual(
            {
                "mnemonic": "CppCompile",
                "label": "//:x0",
                "outputs": ["bazel-out/k8-opt/bin/x0.o"],
            },
            cause["ran"][0],
        )
        self.assertEqual(30, len(cause["ran"]))

    def test_a_relative_path_is_where_the_caller_is(self) -> None:
        self._two_logs()
        os.environ["BUILD_WORKING_DIRECTORY"] = str(self.folder)
        self.addCleanup(os.environ.pop, "BUILD_WORKING_DIRECTORY")
        self.assertIn("CppLink", self._run("first.json"))

    def _picture(self, *logs: Path) -> ElementTree.Element:
        path = self.folder / "report.svg"
        self._run(*logs, "--svg", path)
        return ElementTree.parse(path).getroot()

    def test_the_picture_has_the_numbers(self) -> None:
        root = self._picture(*self._two_logs())
        numbers = [e.text for e in root.iter(f"{_SVG}text") if e.get("class") == "number"]
        self.assertEqual(["31", "30", "1", "1", "1"], numbers)
        style = next(root.iter(f"{_SVG}style")).text or ""
        self.assertIn("prefers-color-scheme: dark", style)

    def test_nothing_in_the_picture_overlaps(self) -> None:
        """Names and causes that are too long, counts from 1 to 100000, and more of everything than
        there is room for."""
        runners = ("disk cache hit", "remote cache hit", "a cache of somebody")
        builds = []
        for option in ("-O2", "-O3"):
            build = [compile_action(f"y{i}", mnemonic="A" * 70) for i in range(300)]
            for kind in range(25):
                for number, runner in enumerate(("linux-sandbox", *runners)):
                    build.append(
                        compile_action(
                            f"{kind}_{number}",
                            mnemonic=f"Kind{kind}",
                            runner=runner,
                            cacheHit=number > 0,
                            commandArgs=[f"{option}-{kind}" * 60],
                        )
                    )
            builds.append(build)
        root = self._picture(
            *(write_log(self.folder / f"{i}.json", build) for i, build in enumerate(builds))
        )
        width, height = float(root.get("width", 0)), float(root.get("height", 0))
        boxes = _boxes(root)
        self.assertGreater(len(boxes), 100)
        for left, top, right, bottom, what in boxes:
            self.assertTrue(0 <= left and right <= width and 0 <= top and bottom <= height, what)
        for i, one in enumerate(boxes):
            for two in boxes[i + 1 :]:
                apart = one[2] <= two[0] or two[2] <= one[0] or one[3] <= two[1] or two[3] <= one[1]
                self.assertTrue(apart, f"{one} and {two}")

    def test_files_that_are_no_logs(self) -> None:
        good = compile_action("x")
        whole = write_log(self.folder / "whole", [good]).read_bytes()
        instead = "build again with --execution_log_json_file=FILE"
        cases = {
            "compact": (b"\x28\xb5\x2f\xfd\x00", f"is a compact execution log; {instead}"),
            "binary": (b"\xf3\x06\x0a\x07./cc.sh", f"is not an execution log in JSON; {instead}"),
            "zipped": (gzip.compress(whole), "is compressed; unpack it with gunzip first"),
            "profile": (_PROFILE, "is a profile; give it as --profile FILE"),
            "events": ('{"id":{"started":{}}}\n', f"is a build event file; {instead}"),
            "other": ('{\n  "a": 1\n}\n', f"is JSON, but not an execution log; {instead}"),
            "cut": (whole[:-40], "ends in the middle of an action; wait for the build to end"),
            "damaged": (whole.replace(b'"-O2",', b'"-O2'), "is damaged"),
        }
        for name, (content, sentence) in cases.items():
            with self.subTest(name):
                error = self._run(self._write(name, content), code=1)
                self.assertIn(f"{name} {sentence}", error)
                self.assertEqual(1, error.count("\n"))

    def test_files_that_are_no_profiles(self) -> None:
        log = self._two_logs()[0]
        for name, content, sentence in (
            ("log", log.read_bytes(), "is no profile of Bazel; build again with --profile=FILE"),
            ("short", _PROFILE[:-4], "ends too early"),
            ("short.gz", gzip.compress(_PROFILE.encode())[:-30], "is damaged"),
        ):
            with self.subTest(name):
                error = self._run(log, "--profile", self._write(name, content), code=1)
                self.assertIn(f"{name} {sentence}", error)
                self.assertEqual(1, error.count("\n"))

    def test_a_file_that_is_not_there(self) -> None:
        error = self._run(self.folder / "nothing", code=1)
        self.assertEqual(f"cache_report: {self.folder}/nothing: No such file or directory\n", error)


def _boxes(root: ElementTree.Element) -> list[tuple[float, float, float, float, str]]:
    """Returns the place of each text, if a character has 7 pixels: left, top, right, bottom. A
    bar's number stands for the bar."""
    result = []
    for element in root.iter():
        x, y = float(element.get("x", 0)), float(element.get("y", 0))
        if element.tag == f"{_SVG}text":
            content, style = element.text or "", element.get("class", "")
            width = len(content) * (8.5 if style == "title" else 7)
            if style == "number":
                continue
            left = x - width if style == "count" else x
            result.append((left, y - 11, left + width, y + 3, content))
        elif element.tag == f"{_SVG}rect" and element.get("class") != "page":
            width, height = float(element.get("width", 0)), float(element.get("height", 0))
            result.append((x, y, x + width, y + height, element.get("class", "")))
    return result


if __name__ == "__main__":
    unittest.main()
