"""Every vocabulary of llama.cpp's own models directory gives llama.cpp's own token ids.

``LLAMA_VOCAB_DIR`` names that directory, or any file in it. Beside ``ggml-vocab-NAME.gguf`` lie
``.inp`` (texts, separated by a marker line) and ``.out`` (one line of token ids for each text). As
in llama.cpp's test-tokenizer-0, no special tokens are added and none are parsed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import pytest

import llama_cpp

SEPARATOR = b"\n__ggml_vocab_test__\n"
# In llama.cpp 0.5.0 fifteen vocabularies come with vectors; fewer means that the directory is not
# the whole one.
AT_LEAST = 15


class Case(NamedTuple):
    text: bytes
    tokens: list[int]


def vocabularies() -> list[Path]:
    value = os.environ.get("LLAMA_VOCAB_DIR")
    if not value:
        return []
    folder = Path(value).parent if Path(value).is_file() else Path(value)
    files = folder.glob("ggml-vocab-*.gguf")
    return sorted(path for path in files if vectors(path, ".inp").exists())


def vectors(vocabulary: Path, suffix: str) -> Path:
    return vocabulary.with_name(vocabulary.name + suffix)


def read_cases(vocabulary: Path) -> list[Case]:
    texts = vectors(vocabulary, ".inp").read_bytes().split(SEPARATOR)
    # A file that ends with the marker has no text after it.
    if texts and not texts[-1]:
        texts.pop()
    lines = vectors(vocabulary, ".out").read_text().splitlines()
    assert len(texts) == len(lines), f"{len(texts)} texts, but {len(lines)} lines of tokens"
    return [Case(text, [int(t) for t in line.split()]) for text, line in zip(texts, lines)]


def test_vocabularies_are_there() -> None:
    found = [path.stem for path in vocabularies()]
    assert len(found) >= AT_LEAST, (
        f"found {len(found)} vocabularies with vectors ({found}); set LLAMA_VOCAB_DIR to the "
        "folder models/ of llama.cpp's source"
    )


@pytest.mark.parametrize("vocabulary", vocabularies(), ids=lambda path: path.stem)
def test_token_ids(vocabulary: Path) -> None:
    model = llama_cpp.Llama(str(vocabulary), vocab_only=True, verbose=False)
    cases = read_cases(vocabulary)
    assert cases
    for case in cases:
        tokens = model.tokenize(case.text, add_bos=False, special=False)
        assert tokens == case.tokens, f"text {case.text!r}"
    print(f"{vocabulary.stem}: {len(cases)} texts, {sum(len(c.tokens) for c in cases)} tokens")
