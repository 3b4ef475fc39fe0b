"""The program: its table, its JSON, its picture, and its messages about files that it can't use."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import cache_report
import made_up
import pytest
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

_INSTEAD = "build again with --execution_log_json_file=FILE"
_WHOLE = made_up.log([compile_action("x")])
# Name of a file -> its content, and the message about it.
_NO_LOGS = {
    "compact": (b"\x28\xb5\x2f\xfd\x00", f"is a compact execution log; {_INSTEAD}"),
    "binary": (b"\xf3\x06\x0a\x07./cc.sh", f"is not an execution log in JSON; {_INSTEAD}"),
    "zipped": (gzip.compress(_WHOLE), "is compressed; unpack it with gunzip first"),
    "profile": (_PROFILE, "is a profile; give it as --profile FILE"),
    "events": ('{"id":{"started":{}}}\n', f"is a build event file; {_INSTEAD}"),
    "other": ('{\n  "a": 1\n}\n', f"is JSON, but not an execution log; {_INSTEAD}"),
    "cut": (_WHOLE[:-40], "ends in the middle of an action; wait for the build to end"),
    "damaged": (_WHOLE.replace(b'"-O2",', b'"-O2'), "is damaged"),
}
_NO_PROFILES = {
    "log": (_WHOLE, "is no profile of Bazel; build again with --profile=FILE"),
    "short": (_PROFILE[:-4], "ends too early"),
    "short.gz": (gzip.compress(_PROFILE.encode())[:-30], "is damaged"),
}

_NAMES = tuple(f"x{number}" for number in range(30))


def _build(option: str, **changed: Any) -> list[dict[str, Any]]:
    return [
        *(compile_action(name, commandArgs=[option], **changed) for name in _NAMES),
        link_action(dict.fromkeys(_NAMES, option)),
    ]


def _write(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def _run(*arguments: str | Path, code: int = 0) -> str:
    """Returns the output; with an error code, that on standard error."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        result = cache_report.main(list(map(str, arguments)))
    assert result == code, err.getvalue()
    assert (out.getvalue() if code else err.getvalue()) == ""
    return err.getvalue() if code else out.getvalue()


@pytest.fixture
def two_logs(tmp_path: Path) -> tuple[Path, Path]:
    """Returns the logs of two builds with different options."""
    hit = {"cacheHit": True, "runner": "disk cache hit"}
    first = [*_build("-O2"), compile_action("y")]
    second = [*_build("-O3"), compile_action("y", **hit)]
    return (
        write_log(tmp_path / "first.json", first),
        write_log(tmp_path / "second.json", second),
    )


def test_a_table_of_one_log(two_logs):
    text = _run(two_logs[1])
    lines = [re.split(r"  +", line) for line in text.splitlines()]
    assert lines[1] == [
        "action",
        "executed",
        "disk cache hit",
        "remote cache hit",
        "output MB",
        "wall s",
    ]
    assert lines[2] == ["CppCompile", "30", "1", "0", "0.0", "46.5"]
    assert lines[3] == ["CppLink", "1", "0", "0", "0.0", "1.5"]
    assert lines[4] == ["all", "31", "1", "0", "0.0", "48.0"]
    assert lines[5:] == [["Executed by: linux-sandbox 31."]]


def test_the_critical_path_comes_from_a_profile(tmp_path, two_logs):
    log = two_logs[0]
    for profile in (
        _write(tmp_path / "profile", _PROFILE),
        _write(tmp_path / "profile.gz", gzip.compress(_PROFILE.encode())),
    ):
        text = _run(log, "--profile", profile)
        seconds = {line.split()[0]: re.split(r"  +", line)[-1] for line in text.splitlines()[1:-1]}
        assert seconds == {
            "action": "critical path s",
            "CppCompile": "1.5",
            "CppLink": "0.0",
            "(other)": "0.2",
            "all": "1.8",
        }


def test_two_logs(two_logs):
    text = _run(*two_logs)
    assert "    30     0  argument: -O2 -> -O3\n" in text
    assert "     1     0  outputs of other actions that changed: CppCompile\n" in text


def test_nothing_ran_again(tmp_path, two_logs):
    first, _ = two_logs
    empty = _write(tmp_path / "empty.json", "")
    assert "No action of the second build ran again." in _run(first, empty)


def test_json(two_logs):
    report = json.loads(_run(*two_logs, "--format=json"))
    row = report["logs"][1]["actions"]["CppCompile"]
    assert row["outcomes"] == {"executed": 30, "disk cache hit": 1}
    assert row["output_bytes"] == 30 * 2 * 500 + 20 * 500 + 500
    assert row["wall_seconds"] == 46.5
    cause = report["causes"][0]
    assert cause["kind"] == "argument"
    assert cause["changes"] == [{"name": "", "before": "-O2", "after": "-O3"}]
    assert cause["ran"][0] == {
        "mnemonic": "CppCompile",
        "label": "//:x0",
        "outputs": ["bazel-out/k8-opt/bin/x0.o"],
    }
    assert len(cause["ran"]) == 30


def test_a_relative_path_is_where_the_caller_is(tmp_path, two_logs, monkeypatch):
    monkeypatch.setenv("BUILD_WORKING_DIRECTORY", str(tmp_path))
    assert "CppLink" in _run(two_logs[0].name)


def _picture(path: Path, *logs: Path) -> ElementTree.Element:
    _run(*logs, "--svg", path)
    return ElementTree.parse(path).getroot()


def test_the_picture_has_the_numbers(tmp_path, two_logs):
    root = _picture(tmp_path / "report.svg", *two_logs)
    numbers = [e.text for e in root.iter(f"{_SVG}text") if e.get("class") == "number"]
    assert numbers == ["31", "30", "1", "1", "1"]
    style = next(root.iter(f"{_SVG}style")).text or ""
    assert "prefers-color-scheme: dark" in style


def test_nothing_in_the_picture_overlaps(tmp_path):
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
    root = _picture(
        tmp_path / "report.svg",
        *(write_log(tmp_path / f"{i}.json", build) for i, build in enumerate(builds)),
    )
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    boxes = _boxes(root)
    assert len(boxes) > 100
    for left, top, right, bottom, what in boxes:
        assert 0 <= left and right <= width and 0 <= top and bottom <= height, what
    for i, one in enumerate(boxes):
        for two in boxes[i + 1 :]:
            apart = one[2] <= two[0] or two[2] <= one[0] or one[3] <= two[1] or two[3] <= one[1]
            assert apart, f"{one} and {two}"


@pytest.mark.parametrize("name", _NO_LOGS)
def test_files_that_are_no_logs(tmp_path, name):
    content, sentence = _NO_LOGS[name]
    error = _run(_write(tmp_path / name, content), code=1)
    assert f"{name} {sentence}" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("name", _NO_PROFILES)
def test_files_that_are_no_profiles(tmp_path, two_logs, name):
    content, sentence = _NO_PROFILES[name]
    error = _run(two_logs[0], "--profile", _write(tmp_path / name, content), code=1)
    assert f"{name} {sentence}" in error
    assert error.count("\n") == 1


def test_a_file_that_is_not_there(tmp_path):
    error = _run(tmp_path / "nothing", code=1)
    assert error == f"cache_report: {tmp_path}/nothing: No such file or directory\n"


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
