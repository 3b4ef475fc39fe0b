"""Writes jinja_characters.json: templates about characters, and the text that jinja2 makes of them.

Run with jinja2 installed: python make_jinja_characters.py > jinja_characters.json
"""

from __future__ import annotations

import json
import sys
from typing import Any, Dict, Iterator, List

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

TEXTS = {
    "ascii": "Hello, wide World",
    "japanese": "日本語の文章",
    "halfwidth": "ﾆﾎﾝｺﾞ ニホンゴ",
    "accents": "Éléphant à l'ÉCOLE, straße",
    "combining": "e\u0301te\u0301 A\u030arhus",
    "emoji": "a👍🏽b👨‍👩‍👧c🇩🇪",
    "greek": "ΟΔΥΣΣΕΥΣ ΣΟΦΟΣ σ",
    "turkish": "İstanbul ışık IĞDIR",
    "cyrillic": "ПРИВЕТ, мир-труд (май)",
    "armenian": "Հայերեն եւ",
    "georgian": "ქართული ᲥᲐᲠᲗᲣᲚᲘ",
    "ligatures": "ﬁn ﬂug ŉ ǰ ΐ",
    "digraphs": "Ǆ ǅ ǆ ǲa",
    "fullwidth": "ＡＢＣ　ａｂｃ",
    "deseret": "𐐀𐐨 𐐁𐐩",
    "spaces": "\u3000\u00a0 日本 語\u2003\n",
    "lines": "日本\n\n語\r\nä\u2028ö\x0bü\x85ñ",
    "quotes": "日'本\"語\\",
    "empty": "",
}

# Operations on each text.
EXPRESSIONS = [
    "t",
    "t|length",
    "t|count",
    "t[0]",
    "t[-1]",
    "t[1]",
    "t[-2]",
    "t[100]",
    "t[:2]",
    "t[2:]",
    "t[-2:]",
    "t[:-2]",
    "t[1:4]",
    "t[::2]",
    "t[1::3]",
    "t[::-1]",
    "t[::-2]",
    "t[4:1:-1]",
    "t[-1:-4:-1]",
    "t[:-3:-1]",
    "t[-100:100]",
    "t|upper",
    "t|lower",
    "t|capitalize",
    "t|title",
    "t.upper()",
    "t.lower()",
    "t.capitalize()",
    "t is upper",
    "t is lower",
    "t|first",
    "t|last",
    "t|reverse",
    "t|list|length",
    "t|list|join('|')",
    "t|join('·')",
    "t|sort|join",
    "t|sort(case_sensitive=true)|join",
    "t|sort(reverse=true)|join",
    "t|trim",
    "t|trim('語aé ')",
    "t.strip()",
    "t.strip('日章H')",
    "t.lstrip('日é')",
    "t.rstrip('語c')",
    "t|replace('', '·')",
    "t|replace('日', 'ni')",
    "t|replace('a', 'ä')",
    "t.replace('', '-')",
    "t.replace('本', '')",
    "t.replace(' ', '　', 1)",
    "'本' in t",
    "'é' in t",
    "t.startswith('日')",
    "t.endswith('語')",
    "t.startswith(t[:3])",
    "t.split('本')|join('|')",
    "t.split()|join('|')",
    "t.split(' ')|join('|')",
    "t.rsplit(' ', 1)|join('|')",
    "t|indent",
    "t|indent(2, true)",
    "t|indent('　', true, true)",
    "[t]|string",
    "{t: 1}|string",
    "(t ~ 'é')|length",
    "(t * 2)|length",
    "t == t[:]",
    "t < '本'",
    "t >= 'é'",
    "t <= t",
    "t|int(7)",
    "t|default('x')|length",
    "t|center(31)",
    "t|truncate(5, true, '…', 0)",
    "t|truncate(9)",
    "t.find('本')",
    "t.find('語', 1)",
    "t.find('語', -1)",
    "t.find('', 100)",
    "t|center(4)|length",
    "t|truncate(12, leeway=0)",
]

# Templates whose output is a text of their own.
TEMPLATES = [
    "{% for c in t %}{{ loop.index }}{{ c }}{% if not loop.last %}|{% endif %}{% endfor %}",
    "{% for c in t if c != '本' %}[{{ c }}]{% endfor %}",
    "{% for c in t|reverse %}{{ c }}{% endfor %}",
    "{% set ns = namespace(n='') %}{% for c in t %}{% set ns.n = c ~ ns.n %}{% endfor %}{{ ns.n }}",
    "{% filter upper %}ß {{ t }}{% endfilter %}",
]

# Without a text.
LITERALS = [
    r"{{ '\u65e5\u672c' }}",
    r"{{ '\U0001F44D'|length }}",
    r"{{ '\xe9\x41\101\a\v\0' }}",
    r"{{ 'a\qb\/' }}",
    "{{ 'a\\\nb' }}",
    r"""{{ "\"\'\\\t" }}""",
    "{{ '日本語'[:2] }}",
    "{{ '日本語'['0'] }}",
    "a{% if true %}b{% endif %}",
    "é{% if true %}b{% endif %}",
    "　 {%- if true %} b　{%- endif -%}　 c",
    "x\n　 {% if true %}\nb\n　{% endif %}\nc",
    " \u00a0{% if true %}b{% endif %}",
    "{{ ['b', 'Ä', 'ä', 'a', 'É', 'e', 'B']|sort|join }}",
    "{{ ['b', 'Ä', 'ä', 'a', 'É', 'e', 'B']|sort(case_sensitive=true)|join }}",
    "{{ ['Ä', 'b', 'a']|min }}{{ ['Ä', 'ä', 'b']|max }}",
    "{% for k, v in {'Ö': 1, 'o': 2, 'ä': 3, 'Z': 4}|dictsort %}{{ k }}{{ v }}{% endfor %}",
    "{% for k, v in {'b': 'ä', 'a': 'Z'}|dictsort(false, 'value') %}{{ k }}{% endfor %}",
    "{{ [{'n': 'É'}, {'n': 'e'}, {'n': 'D'}]|sort(attribute='n')|string }}",
    "{{ '%s' * 2 }}{{ 'ǆ'|capitalize }}{{ 'ß'|capitalize }}{{ 'ﬁ'|title }}",
    r"{{ ['\x00\x7f\x85\xa0\xad\u200b\u2028\u3000\ufeff日', 'a\n\t\r']|string }}",
    "{{ 'a b  c '.split(' ')|string }}{{ ' a b  c '.split()|string }}",
    "{{ 'a b  c'.split(none, 1)|string }}",
]


def render(template: str, **variables: Any) -> str:
    """Returns the text as transformers would render it."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    return environment.from_string(template).render(**variables)


def cases() -> Iterator[Dict[str, Any]]:
    """Yields template, variables and text of each case."""
    for name, text in TEXTS.items():
        for template in ["{{ " + expression + " }}" for expression in EXPRESSIONS] + TEMPLATES:
            yield {"text": name, "t": text, "template": template}
    for template in LITERALS:
        yield {"text": "literal", "t": "", "template": template}


def main() -> None:
    """Writes the table to stdout."""
    table: List[Dict[str, Any]] = []
    for case in cases():
        table.append({**case, "expected": render(case["template"], t=case["t"])})
    lines = ",\n".join(map(json.dumps, table))
    print(f'{{"jinja2": "{jinja2.__version__}", "python": "{sys.version.split()[0]}", "cases": [')
    print(lines + "\n]}")


if __name__ == "__main__":
    main()
