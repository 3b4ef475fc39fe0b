"""Row 2: chat templates count characters, as jinja2 does.

The expected texts are jinja2's own: make_jinja_characters.py wrote them.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from template_child import TemplateChild

from llama_cpp import _core

_TABLE = json.loads((Path(__file__).parent / "jinja_characters.json").read_text("ascii"))
_NAMES = sorted({case["text"] for case in _TABLE["cases"]})


def render(template: str, **values) -> str:
    return _core.render_template(template, json.dumps(values), "<s>", "</s>")


@pytest.mark.parametrize("name", _NAMES)
def test_characters_as_in_jinja2(name):
    cases = [case for case in _TABLE["cases"] if case["text"] == name]
    assert cases
    wrong = []
    for case in cases:
        text = render(case["template"], t=case["t"])
        if text != case["expected"]:
            wrong.append((case["template"], text, case["expected"]))
    assert wrong == []


# Those whose case is the same in every Unicode that a supported Python has.
_POINTS = [
    *range(0x41, 0x250),
    *range(0x370, 0x588),
    *range(0x10A0, 0x1100),
    *range(0x1E00, 0x2000),
    *range(0x2160, 0x2180),
    *range(0x2C00, 0x2C30),
    *range(0xFB00, 0xFB18),
    *range(0xFF21, 0xFF5B),
    *range(0x10400, 0x10450),
]
# Unicode 16 (Python 3.14) gave them capitals.
_CHANGED = {0x19B, 0x264}
_LETTERS = [chr(p) for p in _POINTS if chr(p).isalpha() and p not in _CHANGED]


@pytest.mark.parametrize("method", ["upper", "lower", "capitalize"])
def test_case_of_letters_as_in_python(method):
    template = (
        "{% for t in ts %}{{ t." + method + "() }},{{ (t ~ t)." + method + "() }}|{% endfor %}"
    )
    got = render(template, ts=_LETTERS).split("|")[:-1]
    expected = [
        f"{getattr(letter, method)()},{getattr(letter * 2, method)()}" for letter in _LETTERS
    ]
    assert got == expected


def test_is_upper_and_is_lower_as_in_python():
    got = render("{% for t in ts %}{{ t is upper }},{{ t is lower }}|{% endfor %}", ts=_LETTERS)
    assert got == "".join(f"{letter.isupper()},{letter.islower()}|" for letter in _LETTERS)


def test_errors_point_at_characters():
    template = "日本語{{ x() }}"
    with pytest.raises(ValueError, match=f"line 1, column {template.index('(') + 1}") as raised:
        render(template)
    lines = str(raised.value).splitlines()
    arrow = next(i for i, line in enumerate(lines) if line.strip() == "^")
    assert lines[arrow - 1][lines[arrow].index("^")] == "("
    with pytest.raises(ValueError, match="unexpected character: §"):
        render("{{ § }}")
    with pytest.raises(ValueError, match=r"escape sequence \\u"):
        render(r"{{ '\u12' }}")


def test_texts_of_a_chat_template_are_characters_too():
    template = "{% for m in messages %}{{ m.content[:2] }}{{ m.content|length }}{% endfor %}"
    answer = TemplateChild().ask(
        chat=True,
        template=template,
        values={"messages": [{"role": "user", "content": "日本語"}]},
    )
    assert answer["text"] == "日本3"
