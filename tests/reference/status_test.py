"""The table of platforms is whole, and stands in both pages."""

from __future__ import annotations

import json
import os
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest
import status_page

STATUS = json.loads(Path(os.environ["STATUS"]).read_text(encoding="utf-8"))
ATTEMPTS = [
    attempt for row in STATUS["rows"] for attempt in (row["tested"], row["tried"]) if attempt
]

OWN = {
    "states": [["run", "runs"], ["built", "is built"], ["unused", "is left out"]],
    "rows": [
        {
            "machine": "Here",
            "accelerator": "cpu",
            "tested": {"state": "run", "command": "do | it", "note": "once"},
            "tried": None,
        },
        {
            "machine": "There",
            "accelerator": "cpu",
            "tested": {"state": "nothing", "command": "", "note": ""},
            "tried": {"state": "built", "command": "make it", "note": ""},
        },
    ],
}
ROWS = """\
| machine | accelerator | on every change | manually |
| --- | --- | --- | --- |
| Here | cpu | **run** (once): `do \\| it` |  |
| There | cpu | nothing | **built**: `make it` |"""


def test_a_row_has_state_restriction_and_command() -> None:
    assert status_page.rows(OWN) == ROWS


def test_the_page_explains_the_states_that_it_uses() -> None:
    page = status_page.page(OWN)
    assert ROWS in page
    assert "| run | runs |" in page and "| built | is built |" in page
    assert "unused" not in page


def test_the_readme_keeps_its_other_text() -> None:
    begin, end = status_page._BEGIN, status_page._END
    expected = f"before\n{begin}\n{ROWS}\n\n{end}after\n"
    assert status_page.with_status(f"before\n{begin}old\n{end}after\n", OWN) == expected
    assert status_page.with_status(expected, OWN) == expected


@pytest.mark.parametrize("readme", ["", status_page._BEGIN, status_page._END])
def test_a_readme_without_marks_is_refused(readme: str) -> None:
    with pytest.raises(ValueError, match="lacks the lines.*\nwrite them again"):
        status_page.with_status(readme, OWN)


def test_states_are_known() -> None:
    assert {attempt["state"] for attempt in ATTEMPTS} <= dict(STATUS["states"]).keys()
    assert all(attempt["command"] or attempt["state"] == "nothing" for attempt in ATTEMPTS)


def test_a_manual_attempt_shows_no_less() -> None:
    order = list(dict(STATUS["states"]))
    for row in STATUS["rows"]:
        if row["tried"]:
            assert order.index(row["tried"]["state"]) <= order.index(row["tested"]["state"]), row


def test_each_accelerator_has_a_row() -> None:
    names: dict[str, Any] = {}
    exec(Path(os.environ["ACCELERATORS"]).read_text(), names)
    assert {row["accelerator"] for row in STATUS["rows"]} == names["ACCELERATORS"].keys()


def test_commands_name_directories_and_options_that_exist() -> None:
    with tarfile.open(os.environ["PROJECT_ARCHIVE"]) as archive:
        names = {name.rstrip("/") for name in archive.getnames()}
        bazelrc = archive.extractfile(".bazelrc").read().decode()
    commands = [attempt["command"] for attempt in ATTEMPTS if attempt["command"]]
    assert all(command.startswith("./bazelw ") for command in commands)
    directories = {
        name.rstrip("/.") for text in commands for name in re.findall(r"//([\w/.]*)", text)
    }
    assert {name for name in directories if name and name not in names} == set()
    configs = {name for text in commands for name in re.findall(r"--config=(\w+)", text)}
    assert configs == {name for name in configs if f"build:{name} " in bazelrc}
