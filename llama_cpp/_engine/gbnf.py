"""Texts in llama.cpp's GBNF notation: literals, and the rules of a grammar."""

from __future__ import annotations

import re
from typing import Callable, Dict, List, Sequence

Rules = Dict[str, str]  # name -> the text behind "::="

# A literal or a set of characters, which are skipped, or the name of a rule.
_PARTS = re.compile(r'"(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\]|([a-zA-Z][a-zA-Z0-9-]*)')
ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def literal(text: str) -> str:
    """Returns the literal that stands for `text`."""
    return '"' + "".join(ESCAPES.get(character, character) for character in text) + '"'


def rules_of(grammar: str) -> Rules:
    """Returns the rules of a grammar that has one a line, as llama.cpp's converter writes it."""
    lines = (line.partition(" ::= ") for line in grammar.splitlines() if line)
    return {name: body for name, _, body in lines}


def text_of(rules: Rules) -> str:
    """Returns the grammar of these rules."""
    return "".join(f"{name} ::= {body}\n" for name, body in rules.items())


def names_in(body: str) -> List[str]:
    """Returns the rules that the text of a rule refers to."""
    return [part[1] for part in _PARTS.finditer(body) if part[1]]


def renamed(body: str, new_name: Callable[[str], str]) -> str:
    """Returns the text of a rule with other names in its references."""
    return _PARTS.sub(lambda part: new_name(part[1]) if part[1] else part[0], body)


def prefixed(prefix: str, rules: Rules) -> Rules:
    """Returns rules whose names begin with `prefix`, for a grammar with other rules."""

    def new_name(name: str) -> str:
        return prefix + name

    return {new_name(name): renamed(body, new_name) for name, body in rules.items()}


def excluding(name: str, word: str) -> Rules:
    """Returns the rules of all texts that do not contain `word`, the first of them `name`.

    A rule stands for the longest beginning of `word` that the text so far ends with (the automaton
    of Knuth, Morris and Pratt).
    """

    def state(length: int) -> str:
        return f"{name}-{length}" if length else name

    rules = {}
    for length in range(len(word)):
        ways = _ways(word, length)
        others = "".join(map(in_set, ways))
        alternatives = [f"[{in_set(c)}] {state(n)}" for c, n in ways.items() if 0 < n < len(word)]
        alternatives.append(f"[^{others}] {state(0)}")
        rules[state(length)] = " | ".join(["", *alternatives])
    return rules


def _ways(word: str, length: int) -> Dict[str, int]:
    """Returns where characters of `word` lead to: the new length, if it is not 0."""
    lengths = {c: held_back(word[:length] + c, [word]) for c in dict.fromkeys(word)}
    return {c: n for c, n in lengths.items() if n}


def held_back(text: str, words: Sequence[str]) -> int:
    """Returns the length of the longest end of `text` that is the beginning of one of `words`."""
    longest = min(len(text), max(map(len, words)))
    lengths = range(longest, 0, -1)
    return next((n for n in lengths if any(w.startswith(text[-n:]) for w in words)), 0)


def in_set(character: str) -> str:
    """Returns how a character is written in a set of characters."""
    if character in "[]-":
        return "\\" + character
    return "\\x5E" if character == "^" else ESCAPES.get(character, character)
