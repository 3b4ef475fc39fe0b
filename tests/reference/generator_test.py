"""The generator of the pages, on a package and rules of the test's own."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

INIT = '''
"""A package."""
from ._errors import *
from .words import *
_SUBMODULES = frozenset(("words", "_hidden"))
_PUBLIC = ("words",)
'''

WORDS = '''
"""Words."""
from typing import Optional
from . import _private
from ._private import Base

PREFIX_ONE = 1

class Speaker(Base):
    """Speaks.

    Attributes:
        volume: How loud.
        pitch: How high;
            in Hertz.
    """

    def __init__(self, volume: int, tone: Optional[str] = _private.TONE, *, loud=False) -> None:
        self.volume = volume
        self.tone = tone
        self.pitch = 3
        self.mute = False

    def say(self, text, /, *more: str, **options: int) -> str:
        """Says ``text``.

        Args:
            text: a text that goes
                on here.

        Raises:
            ValueError: never.
            and others.
        """

    def hear(self):
        pass

def bare():
    pass

__all__ = [name for name in globals() if name.startswith(("PREFIX_", "Speaker", "bare"))]
'''

PRIVATE = '''
TONE = "high"
class Base:
    def hear(self):
        """Hears."""
'''

ERRORS = '''
class WordError(Exception):
    """A word is wrong."""

class LetterError(WordError):
    """A letter is wrong.

    Attributes:
        letter: The letter.
    """
    letter = ""
'''

RULES = r"""
rule_info {
  rule_name: "good"
  doc_string: "Says \"a|b\" \303\244."
  attribute {
    name: "name"
    doc_string: "A name."
    type: NAME
    mandatory: true
  }
  attribute {
    name: "text"
    type: STRING
    default_value: "\"x\""
  }
}
func_info {
  function_name: "macro"
  parameter {
    name: "name"
    doc_string: "the name."
    mandatory: true
  }
  parameter {
    name: "kwargs"
    doc_string: "the rest."
  }
}
module_docstring: "Rules."
file: "//some:defs.bzl"
"""

BUILD = """
# Not about the flag.

# How loud
# it is.
string_flag(
    name = "volume",
    build_setting_default = "",
)

bool_flag(
    name = "silent",
    build_setting_default = True,
)
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("tree")
    files = {
        "package/__init__.py": INIT,
        "package/words.py": WORDS,
        "package/_private.py": PRIVATE,
        "package/_errors.py": ERRORS,
        "package/_hidden.py": "",
        "some/BUILD.bazel": BUILD,
        "rules.textproto": RULES,
        "platforms.json": json.dumps({"constraints": [], "platforms": [["//p:a", "Linux"]]}),
    }
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text.lstrip("\n"), encoding="utf-8")
    outputs = ("python-page", "rules-page", "undocumented")
    command = [
        os.environ["MAKE_REFERENCE"],
        "--package=package/__init__.py",
        "--module=rules.textproto",
        "--build-file=some/BUILD.bazel",
        "--platforms=platforms.json",
        *(f"--{name}={name}" for name in outputs),
    ]
    subprocess.run(command, check=True, cwd=root)
    return {name: (root / name).read_text(encoding="utf-8") for name in outputs}


def test_undocumented_names_are_listed(pages: dict[str, str]) -> None:
    assert pages["undocumented"].splitlines() == [
        "package.words.Speaker.mute",
        "package.words.bare",
        "//some:defs.bzl good.text",
        "//some:defs.bzl macro",
        "//some:silent",
    ]


def test_a_computed_all_is_evaluated(pages: dict[str, str]) -> None:
    assert "| `PREFIX_ONE` | `1` |" in pages["python-page"]
    assert "### `bare`" in pages["python-page"]
    assert "`Base`\n\n```" not in pages["python-page"]


def test_names_are_described_in_the_special_module(pages: dict[str, str]) -> None:
    package, _, words = pages["python-page"].partition("\n## `package.words`")
    assert "all of [`package.words`](#packagewords)" in package
    assert "| `WordError` | `Exception` | A word is wrong. |" in package
    assert "### `Speaker`" in words


def test_attributes_of_an_exception_are_kept(pages: dict[str, str]) -> None:
    assert "\nBases: `WordError`.\n\nA letter is wrong.\n" in pages["python-page"]
    assert "| `letter` |  | The letter. |" in pages["python-page"]


def test_signatures(pages: dict[str, str]) -> None:
    page = pages["python-page"]
    assert "\nSpeaker(volume: int, tone: Optional[str] = TONE, *, loud=False)\n" in page
    assert "\nSpeaker.say(text, /, *more: str, **options: int) -> str\n" in page


def test_docstrings(pages: dict[str, str]) -> None:
    page = pages["python-page"]
    assert "\nSays `text`.\n" in page
    assert "\n- `text`: a text that goes on here.\n" in page
    assert "\n- `ValueError`: never.\n- and others.\n" in page
    assert "| `pitch` |  | How high; in Hertz. |" in page
    assert "Arguments that are attributes too: `tone`." in page
    assert "#### `Speaker.hear`\n\n```python\nSpeaker.hear()\n```\n\nHears." in page


def test_rules(pages: dict[str, str]) -> None:
    page = pages["rules-page"]
    assert 'Says "a|b" ä.' in page
    assert '| `text` | string | `"x"` |  |' in page
    assert "\nmacro(name, **kwargs)\n" in page
    assert "`name` | " not in page


def test_flags(pages: dict[str, str]) -> None:
    assert "| `--//some:volume` | empty | How loud it is. |" in pages["rules-page"]
    assert "| `--//some:silent` | `True` |  |" in pages["rules-page"]
