"""`-C` settings: accepted values, refusals, messages; tables come from the Starlark files."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

sys.dont_write_bytecode = True


@pytest.fixture
def pep517(tree, monkeypatch):
    """Returns the backend's package, out of the tree, and the tree as it sees it."""
    monkeypatch.syspath_prepend(tree.root / "tools")
    for name in [name for name in sys.modules if name.split(".")[0] == "pep517"]:
        monkeypatch.delitem(sys.modules, name)
    import pep517
    import pep517.interpreter
    import pep517.starlark

    return pep517


@pytest.fixture
def parse(pep517):
    return lambda given: pep517.settings.parse(given, pep517._PROJECT)


@pytest.fixture
def running(pep517, monkeypatch):
    """Makes the running interpreter another one."""
    return lambda abi: monkeypatch.setattr(pep517.interpreter, "abi", lambda: abi)


def starlark_values(path: Path) -> dict:
    """Returns the values of a file's names, by running it: tables are Python too."""
    names = {"load": lambda *_: None, "struct": dict}
    exec(path.read_text(), names)
    return names


def test_nothing_given_is_the_default(parse, running) -> None:
    running("cp312")
    for given in (None, {}, {"bazel-args": []}, {"abi": None}, {"local-label": ""}):
        assert vars(parse(given)) == {
            "abi": "cp312",
            "backend": "cpu",
            "bazel_args": (),
            "local_label": "",
            "output_user_root": "",
        }


def test_text_and_list_of_text_are_the_same(parse) -> None:
    given = {"backend": "stone", "abi": "cp313t", "local-label": "auto", "bazel-args": "--jobs=2"}
    chosen = parse(given)
    assert (chosen.backend, chosen.abi, chosen.local_label) == ("stone", "cp313t", "stone1")
    assert parse({key: [value] for key, value in given.items()}) == chosen
    assert parse({key: [value, value] for key, value in given.items() if key != "bazel-args"}) == (
        parse({key: value for key, value in given.items() if key != "bazel-args"})
    )


def test_auto_is_the_default_backend_and_the_running_interpreter(parse, running) -> None:
    running("cp314t")
    chosen = parse({"backend": "auto", "abi": "auto"})
    assert (chosen.backend, chosen.abi) == ("cpu", "cp314t")


def test_bazel_args_repeat_and_are_split_as_a_shell_does(parse) -> None:
    given = {"bazel-args": ["--jobs=2 --config=x", "--copt='-D A'"]}
    assert parse(given).bazel_args == ("--jobs=2", "--config=x", "--copt=-D A")


def test_a_home_folder_is_expanded(parse, monkeypatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert parse({"output-user-root": "~/out"}).output_user_root == "/home/somebody/out"


@pytest.mark.parametrize(
    "given, words",
    [
        (
            {"backnd": "cpu"},
            "-C backnd is no setting (did you mean backend?); there are abi, backend, bazel-args,"
            " local-label and output-user-root",
        ),
        ({"--build-option": "x"}, "-C --build-option is no setting; there are abi,"),
        ({"local_label": "x"}, "(did you mean local-label?)"),
        (
            {"backend": "ston"},
            "-C backend=ston is not known (did you mean stone?);"
            " backend is one of auto, stone, cpu,",
        ),
        ({"backend": "abacus"}, "-C backend=abacus is not known; backend is one of auto, stone,"),
        ({"backend": ""}, "-C backend= is not known; backend is one of"),
        ({"backend": ["cpu", "stone"]}, "-C backend was given as cpu and as stone: give it once"),
        ({"backend": True}, "-C backend takes text, not True"),
        (
            {"abi": "cp38"},
            "-C abi=cp38 is not known (did you mean cp39?); abi is one of auto, cp39,",
        ),
        ({"local-label": "A B"}, "-C local-label=A B is no local version label: give lower-case"),
        ({"local-label": "a..b"}, "-C local-label=a..b is no local version label"),
        ({"bazel-args": "'"}, "-C bazel-args=' cannot be split into words: No closing quotation"),
        ({"output-user-root": "x"}, "-C output-user-root=x is a relative path: give an absolute"),
    ],
)
def test_refusals(pep517, parse, given, words: str) -> None:
    with pytest.raises(pep517.BuildError, match=re.escape(words)) as caught:
        parse(given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("abi", ["cp38", "cp399", "pypy311"])
def test_an_interpreter_without_wheels_is_refused(pep517, parse, running, abi: str) -> None:
    running(abi)
    with pytest.raises(pep517.BuildError, match=f"this build is {abi}, for which no wheel .*cp39"):
        parse({"abi": "auto"})
    assert parse({"abi": "cp311"}).abi == "cp311"


def test_the_running_interpreter(pep517) -> None:
    # packaging's answer is the one that pip and uv compare wheels with.
    from packaging.tags import sys_tags

    assert pep517.interpreter.abi() == next(sys_tags()).abi
    assert Path(pep517.interpreter.executable()).resolve() == Path(sys.executable).resolve()


def test_the_tables_are_those_of_bazel(pep517, tree) -> None:
    project = pep517._PROJECT
    accelerators = starlark_values(tree.root / "platforms/accelerators.bzl")
    rows = accelerators["ACCELERATORS"]
    assert project.accelerators == {name: row["label"] for name, row in rows.items()}
    assert project.accelerators["stone"] == "stone1"
    assert project.default_accelerator == accelerators["DEFAULT_ACCELERATOR"]
    abis = starlark_values(tree.root / "bazel/toolchains/python/abis.bzl")
    assert project.abis == list(abis["PYTHON_ABIS"])
    table = starlark_values(tree.root / "packaging/metadata.bzl")["METADATA"]
    extras = project.metadata["extra_requires"]
    assert project.metadata == {**table, "extra_requires": extras}
    plugins = {row["plugin"] for row in rows.values() if "plugin" in row}
    assert set(extras) == {*table["extra_requires"], *plugins}
    module = re.search(
        r'^module\([^)]*\bversion = "([^"]+)"', (tree.root / "MODULE.bazel").read_text(), re.M
    )
    assert project.version == module[1]


STARLARK = """
A = {"x": ["y"], "z": 1, "w": "long " + "text" + ""}
B = {"x": compute(1)}
C, D = 1, 2
function(a = 1, b = compute())
other(a = 2)
"""


def test_starlark(pep517, tmp_path) -> None:
    path = tmp_path / "x.bzl"
    path.write_text(STARLARK)
    starlark = pep517.starlark
    assert starlark.constant(path, "A") == {"x": ["y"], "z": 1, "w": "long text"}
    assert starlark.keys(path, "B") == ["x"]
    assert starlark.argument(path, "other", "a") == 2
    for function, arguments, words in (
        (starlark.constant, ("B",), f"{path}:3 is no literal"),
        (starlark.constant, ("C",), f"{path} has no constant C: unpack or clone"),
        (starlark.keys, ("E",), f"{path} has no constant E: unpack or clone"),
        (starlark.argument, ("function", "b"), f"{path}:5 is no literal"),
        (starlark.argument, ("function", "c"), f"{path} has no function(c = ...): unpack or clone"),
    ):
        with pytest.raises(pep517.BuildError, match=re.escape(words)):
            function(path, *arguments)
    path.write_text("A = (\n")
    with pytest.raises(pep517.BuildError, match=f"cannot read {path} .*: unpack or clone"):
        starlark.constant(path, "A")
    with pytest.raises(pep517.BuildError, match="cannot read .*No such file"):
        starlark.constant(tmp_path / "missing", "A")
    path.write_text("A = 1\n")
    with pytest.raises(pep517.BuildError, match="A is no dictionary"):
        starlark.keys(path, "A")
