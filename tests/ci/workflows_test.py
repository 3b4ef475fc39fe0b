"""The workflows against the tree's own tables and pages."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml")

_USES = re.compile(r"^ *(?:- )?uses: (.+)$", re.MULTILINE)
_PINNED = re.compile(r"[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def texts(tree: Path) -> dict[str, str]:
    return {path.stem: path.read_text() for path in (tree / ".github/workflows").glob("*.yml")}


@pytest.fixture(scope="session")
def jobs(tree: Path) -> dict[str, dict[str, Any]]:
    """Returns workflow -> its jobs."""
    return {name: yaml.safe_load(text)["jobs"] for name, text in texts(tree).items()}


@pytest.fixture(scope="session")
def matrices(tree: Path) -> dict[str, list[dict[str, str]]]:
    """Returns the matrices of a release, `builds` and `tests`."""
    environment = {**os.environ, "PYTHONPATH": str(tree / "tools")}
    lines = subprocess.check_output(
        [sys.executable, tree / "tools/release/matrix.py"], env=environment, text=True
    ).splitlines()
    return {name: json.loads(value) for name, _, value in (line.partition("=") for line in lines)}


def test_actions_are_pinned_by_commit(tree: Path) -> None:
    uses = [used for text in texts(tree).values() for used in _USES.findall(text)]
    others = [used for used in uses if not used.startswith("./")]
    assert len(others) > 10
    assert [used for used in others if not _PINNED.fullmatch(used)] == []
    # One version of each.
    assert len({used.split("@")[0].split("/")[1] for used in others}) == len(
        {(used.split("@")[0].split("/")[1], used.split("@")[1]) for used in others}
    )


def test_ci_runs_on_every_push_and_pull_request(tree: Path) -> None:
    # YAML 1.1 reads the key `on` as a boolean.
    assert yaml.safe_load(texts(tree)["ci"])[True] == {"push": None, "pull_request": None}


def test_ci_runs_the_readmes_commands(tree: Path, jobs) -> None:
    commands = jobs["ci"]["linux_x86_64"]["with"]["commands"].splitlines()
    assert commands == ["./bazelw build //:wheel", ".ci/run"]
    test = "./bazelw test //... //tests:slow"
    assert test in (tree / ".ci/run").read_text()
    for command in (commands[0], test):
        assert command in (tree / "README.md").read_text()


def test_ci_tests_on_each_machine_of_a_release(jobs, matrices) -> None:
    """linux_x86_64 has a job of its own."""
    released = {
        (row["name"].split("-")[0], row["runner"], row["container"])
        for row in matrices["tests"]
        if row["python"] == "3.14"
    }
    installed = {
        (row["machine"], row["runner"], row.get("container", ""))
        for row in jobs["ci"]["installed"]["strategy"]["matrix"]["include"]
    }
    assert released == installed | {("linux_x86_64", "ubuntu-24.04", "")}
    built = jobs["ci"]["cross"]["strategy"]["matrix"]["machine"]
    assert {machine for machine, _, _ in installed} == {*built, "macos_aarch64"}


def test_wheels_for_musl_are_tested_with_musl(matrices) -> None:
    images = {row["container"] for row in matrices["tests"] if row["name"].startswith("musl")}
    assert images and all(re.fullmatch(r"python:3\.\d+-alpine", image) for image in images)
    assert {row["name"].split("-")[0] for row in matrices["tests"] if row["container"]} == {
        "musl_x86_64"
    }


def test_nothing_is_published_untested(jobs) -> None:
    release = jobs["release"]
    assert release["publish"]["needs"] == "test"
    assert release["test"]["needs"] == ["plan", "build"]
    assert release["test"]["strategy"]["matrix"]["include"] == (
        "${{ fromJSON(needs.plan.outputs.tests) }}"
    )


def test_each_wheel_of_a_release_has_a_test(matrices) -> None:
    built = {
        (row["name"], wheel.removeprefix("//:wheel_cp3"))
        for row in matrices["builds"]
        for wheel in row["wheels"].split()
    }
    tested = [(row["name"], row["python"].removeprefix("3.")) for row in matrices["tests"]]
    assert len(built) > 50
    assert sorted(tested) == sorted(built)


def test_a_mac_compares_its_gpu_with_its_cpu(matrices) -> None:
    """GitHub's Macs have a GPU, its Linux machines have none."""
    compared = {row["name"] for row in matrices["tests"] if row["backend"]}
    assert compared == {
        row["name"] for row in matrices["builds"] if row["config"] == "--config=metal"
    }


def test_a_matrix_fits(matrices) -> None:
    """256: GitHub's limit of jobs per matrix (docs.github.com, "Usage limits")."""
    assert all(len(rows) <= 256 for rows in matrices.values())


def test_a_release_is_of_the_accelerators_that_the_table_says(tree: Path, matrices) -> None:
    names: dict[str, Any] = {}
    exec((tree / "platforms/accelerators.bzl").read_text(), names)
    released = {name for name, row in names["ACCELERATORS"].items() if row.get("is_released")}
    built = [row["name"].split("-") for row in matrices["builds"]]
    assert {accelerator for _, accelerator in built} == released
    # A job whose options say nothing builds for the CPU of this machine.
    assert [row["name"] for row in matrices["builds"] if not row["config"]] == [
        f"linux_x86_64-{names['DEFAULT_ACCELERATOR']}"
    ]
    steps = re.sub(r"#.*", "", texts(tree)["release"])
    assert "python3 tools/release/matrix.py" in steps
    assert not re.search(rf"\b(?:{'|'.join(names['ACCELERATORS'])})\b", steps)


def test_each_option_is_one_of_bazelrc(tree: Path, matrices) -> None:
    bazelrc = (tree / ".bazelrc").read_text()
    for row in matrices["builds"]:
        config = row["config"].removeprefix("--config=")
        assert not config or re.search(rf"^build:{config} --platforms=", bazelrc, re.MULTILINE)


def test_suites_that_a_release_runs_exist(tree: Path, jobs) -> None:
    runs = [step.get("run", "") for step in jobs["release"]["test"]["steps"]]
    [run] = [run for run in runs if "test_wheel.py" in run]
    suites = run.split("index")[1].split()
    assert suites
    assert [name for name in suites if not (tree / f"tests/package/{name}.py").is_file()] == []


def test_scripts_that_the_workflows_call_exist(tree: Path) -> None:
    called = {
        name for text in texts(tree).values() for name in re.findall(r"(?<![\w/])\.ci/\w+", text)
    }
    called |= {f"{name}.py" for name in called if not (tree / name).exists()}
    assert len([name for name in called if (tree / name).is_file()]) >= 6
    python = (tree / ".ci").glob("*.py")
    assert all(ast.parse(path.read_text()) for path in python)
