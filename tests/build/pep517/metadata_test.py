"""Metadata that is written without Bazel is that of the wheel which Bazel builds."""

from __future__ import annotations

import email
import os
import zipfile
from email.message import Message
from pathlib import Path

import pytest
from packaging.metadata import Metadata
from packaging.utils import parse_wheel_filename

# One of the wheels that this configuration has.
WHEEL = Path(os.environ["WHEEL"])
PREPARE = "prepare_metadata_for_build_wheel"


def prepare(tree, hook: str = PREPARE, given=None) -> tuple[str, str]:
    """Returns the name of the .dist-info directory and the text of METADATA."""
    name = tree.call(hook, str(tree.out), given).value
    assert [path.name for path in (tree.out / name).iterdir()] == ["METADATA"]
    return name, (tree.out / name / "METADATA").read_text()


def fields(text: str) -> list[tuple[str, str]]:
    """Returns every field but the licences, of which the source tree has only the project's own."""
    message: Message = email.message_from_string(text)
    return [(name, value) for name, value in message.items() if name != "License-File"]


def test_the_metadata_of_the_real_wheel(tree) -> None:
    version = str(parse_wheel_filename(WHEEL.name)[1])
    name, ours = prepare(tree, given={"local-label": version.partition("+")[2]})
    assert name == f"llama_cpp_python-{version}.dist-info"
    with zipfile.ZipFile(WHEEL) as wheel:
        theirs = wheel.read(f"{name}/METADATA").decode()
    assert fields(ours) == fields(theirs)
    assert ours.partition("\n\n")[2] == theirs.partition("\n\n")[2]
    assert "License-File: LICENSE\n" in theirs


def test_no_label_is_the_default(tree) -> None:
    name, text = prepare(tree)
    assert name == "llama_cpp_python-0.3.100.dist-info"
    assert str(Metadata.from_email(text, validate=True).version) == "0.3.100"


def test_an_editable_wheel_has_the_same(tree, tmp_path) -> None:
    first = prepare(tree)
    other = tree._replace(out=tmp_path / "editable")
    other.out.mkdir()
    assert prepare(other, "prepare_metadata_for_build_editable") == first


@pytest.mark.parametrize("label", ["auto", "my.1"])
def test_name_and_version_are_those_of_the_wheel_that_is_then_built(tree, label) -> None:
    given = {"local-label": label, "backend": "stone"}
    folder, _ = prepare(tree, given=given)
    wheel = tree.call("build_wheel", str(tree.out), given, str(tree.out / folder)).value
    distribution, version, *_ = parse_wheel_filename(wheel)
    assert folder == f"{distribution.replace('-', '_')}-{version}.dist-info"
    assert version.local == {"auto": "stone1"}.get(label, label)
