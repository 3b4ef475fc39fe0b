"""The texts that a grammar accepts, against an independent recogniser (Earley's algorithm)."""

from __future__ import annotations

import random
import time
from typing import Dict, FrozenSet, List, Tuple, Union

import pytest

import llama_cpp
from llama_cpp import LlamaGrammar, _core

Symbol = Union[str, FrozenSet[str]]  # the name of a rule, or the characters that it takes
Rules = Dict[str, List[Tuple[Symbol, ...]]]

ALPHABET = "ab(x"
AMBIGUOUS = 'root ::= "(" root ")" | "a" | "(" root ")" root'


class Earley:
    """Tells whether a text can be the beginning of a sentence, or is one."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def columns(self, text: str):
        """Returns the items (rule, alternative, dot, origin) after each character."""
        columns = [{("root", alt, 0, 0) for alt in self._rules["root"]}]
        self._close(columns)
        for char in text:
            columns.append(
                {
                    (name, alt, dot + 1, origin)
                    for name, alt, dot, origin in columns[-1]
                    if dot < len(alt) and isinstance(alt[dot], frozenset) and char in alt[dot]
                }
            )
            self._close(columns)
        return columns

    def _close(self, columns) -> None:
        here = len(columns) - 1
        column = columns[-1]
        before = -1
        while before != len(column):
            before = len(column)
            for name, alt, dot, origin in list(column):
                if dot == len(alt):
                    for owner, parent, at, start in list(columns[origin]):
                        if at < len(parent) and parent[at] == name:
                            column.add((owner, parent, at + 1, start))
                elif isinstance(alt[dot], str):
                    column.update((alt[dot], each, 0, here) for each in self._rules[alt[dot]])

    def is_beginning(self, text: str) -> bool:
        return bool(self.columns(text)[-1])

    def is_sentence(self, text: str) -> bool:
        return any(
            name == "root" and dot == len(alt) and origin == 0
            for name, alt, dot, origin in self.columns(text)[-1]
        )


class RandomGrammar:
    """Rules that every text ends in, without left recursion, as GBNF and for Earley."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._n_rules = rng.randint(2, 4)
        self.rules: Rules = {}
        lines = [self._rule(index) for index in range(self._n_rules)]
        self.gbnf = "\n".join(lines)

    def _name(self, index: int) -> str:
        return "root" if index == 0 else f"r{index}"

    def _rule(self, index: int) -> str:
        name = self._name(index)
        self.rules.setdefault(name, [])
        texts = []
        for number in range(self._rng.randint(1, 3)):
            text, symbols = self._alternative(index, is_first=number == 0)
            texts.append(text)
            self.rules[name].append(symbols)
        return f"{name} ::= {' | '.join(texts)}"

    def _alternative(self, index: int, is_first: bool) -> Tuple[str, Tuple[Symbol, ...]]:
        text, symbol = self._terminal()
        parts = [(text, (symbol,))]  # takes a character, so that nothing is left-recursive
        for _ in range(self._rng.randint(0, 2)):
            lowest = index + 1 if is_first else 0  # so that every rule comes to an end
            if lowest < self._n_rules and self._rng.random() < 0.5:
                name = self._name(self._rng.randrange(lowest, self._n_rules))
                parts.append(self._item((name, name)))
            else:
                parts.append(self._item(self._terminal()))
        if self._rng.random() < 0.3 and index + 1 < self._n_rules:
            name = self._name(self._rng.randrange(index + 1, self._n_rules))
            parts.insert(0, (name, (name,)))
        return " ".join(text for text, _ in parts), tuple(s for _, ss in parts for s in ss)

    def _terminal(self) -> Tuple[str, Symbol]:
        chars = "".join(sorted(set(self._rng.choices(ALPHABET, k=2))))
        if self._rng.random() < 0.2:
            others = frozenset(set(ALPHABET) - set(chars))
            return f"[^{chars}]", others
        return f"[{chars}]", frozenset(chars)

    def _item(self, item: Tuple[str, Symbol]) -> Tuple[str, Tuple[Symbol, ...]]:
        text, symbol = item
        least, most, mark = self._rng.choice(
            [(1, 1, "")] * 4 + [(0, 9, "*"), (1, 9, "+"), (0, 1, "?"), (1, 3, "{1,3}")]
        )
        if not mark:
            return text, (symbol,)
        hidden = f"hidden{len(self.rules)}"
        if most == 9:
            self.rules[hidden] = [(symbol, hidden), ()]
            return text + mark, (symbol,) * least + (hidden,)
        self.rules[hidden] = [(symbol,) * n for n in range(most - least + 1)]
        return text + mark, (symbol,) * least + (hidden,)


@pytest.fixture(scope="module")
def pieces(llm) -> Dict[int, str]:
    """Returns the tokens that consist of the alphabet."""
    found = {}
    for token in range(llm.n_vocab()):
        piece = llm.model.token_to_piece(token).decode("utf-8", "replace")
        if piece and set(piece) <= set(ALPHABET) and not llm.model.is_eog(token):
            found[token] = piece
    assert set(ALPHABET) <= set(found.values())
    return found


def sampler(llm, gbnf: str) -> _core.Sampler:
    params = _core.SamplingParams()
    params.temp = 0.0
    params.grammar = gbnf
    return _core.Sampler(llm.model, params)


def fits(at: _core.Sampler, token: int) -> bool:
    try:
        at.clone().accept(token)
    except llama_cpp.GrammarError as error:
        if "ambiguous" in str(error):
            raise  # it may fit
        return False
    return True


def compare(llm, pieces, gbnf: str, earley: Earley, rng: random.Random) -> int:
    """Walks through one random text; returns how many tokens were compared."""
    np = pytest.importorskip("numpy")
    at = sampler(llm, gbnf)
    text = ""
    n_compared = 0
    eos = llm.token_eos()
    for _ in range(6):
        right = [token for token, piece in pieces.items() if earley.is_beginning(text + piece)]
        assert [token for token in pieces if fits(at, token)] == right, (gbnf, text)
        assert fits(at, eos) == earley.is_sentence(text), (gbnf, text)
        n_compared += len(pieces) + 1
        if not right:
            break
        # The whole vocabulary at once: a token that does not fit is the likeliest.
        logits = np.full(llm.n_vocab(), -1e30, np.float32)
        for rank, token in enumerate(rng.sample(list(pieces), len(pieces))):
            logits[token] = rank
        best = max(right, key=lambda token: logits[token])
        assert at.sample_from_logits(logits) == best, (gbnf, text)
        token = rng.choice(right)
        at.accept(token)
        text += pieces[token]
    return n_compared


def test_random_grammars_accept_the_right_texts(llm, pieces):
    rng = random.Random(5)
    n_grammars = n_compared = 0
    while n_grammars < 60:
        grammar = RandomGrammar(rng)
        LlamaGrammar.from_string(grammar.gbnf)
        n_compared += compare(llm, pieces, grammar.gbnf, Earley(grammar.rules), rng)
        n_grammars += 1
    assert n_compared > 1000


def test_the_ambiguous_grammar_accepts_the_right_texts(llm, pieces):
    open_, close, a = (frozenset(char) for char in "()a")
    rules: Rules = {
        "root": [(open_, "root", close), (a,), (open_, "root", close, "root")],
    }
    for seed in range(5):
        assert compare(llm, pieces, AMBIGUOUS, Earley(rules), random.Random(seed))


def test_the_recogniser_itself():
    rules: Rules = {"root": [(frozenset("a"), "rest")], "rest": [(frozenset("b"), "rest"), ()]}
    earley = Earley(rules)
    assert earley.is_sentence("abb") and not earley.is_sentence("ba") and not earley.is_sentence("")
    assert earley.is_beginning("") and not earley.is_beginning("aa")


def test_an_ambiguous_grammar_ends_in_an_error(llm):
    """llama.cpp#7810: each "(" multiplied the time by 4."""
    bias = {llm.tokenize(b"(", add_bos=False)[-1]: 100.0}
    grammar = LlamaGrammar.from_string(AMBIGUOUS)
    slowest, last = 0.0, time.monotonic()
    with pytest.raises(llama_cpp.GrammarError, match="ambiguous"):
        for _ in llm(
            "In", grammar=grammar, max_tokens=60, temperature=0, logit_bias=bias, stream=True
        ):
            now = time.monotonic()
            slowest, last = max(slowest, now - last), now
    assert max(slowest, time.monotonic() - last) < 10
    assert llm("In the beginning", max_tokens=3)["choices"][0]["text"]


def test_a_grammar_that_allows_little_is_not_too_ambiguous(llm):
    """5,000 alternatives are 5,000 parse states from the first token on."""
    words = [f"word number {i} of many" for i in range(5000)]
    grammar = LlamaGrammar.from_string("root ::= " + " | ".join(f'"{word}"' for word in words))
    text = llm("In", grammar=grammar, max_tokens=60, temperature=0.8, seed=1)["choices"][0]["text"]
    assert text in words


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('root ::= "a"{3,1}', "less than the least"),
        ('root ::= ws root "x" | "y"\nws ::= " "*', "left recursion"),
        ('root ::= a root "x" | "y"\na ::= b\nb ::= ""', "left recursion"),
        ('root ::= "' + "a" * 1_000_000 + '"{2000}', "too much memory"),
        ("root ::= [" + "ab" * 300_000 + "]{0,2000}", "too much memory"),
        ('root ::= "a"{100000}', "2000 repetitions"),
    ],
    ids=["bounds", "hidden", "hidden-empty", "literal", "class", "count"],
)
def test_grammars_that_llama_cpp_would_not_survive(text, reason):
    with pytest.raises(llama_cpp.GrammarError, match=reason):
        LlamaGrammar.from_string(text)


@pytest.mark.parametrize("text", ['root ::= ("a"*)*', 'root ::= ws root | "y"\nws ::= " "*'])
def test_loops_that_add_nothing_are_fine(llm, text):
    LlamaGrammar.from_string(text)
    assert fits(sampler(llm, text), llm.token_eos()) == ("y" not in text)
