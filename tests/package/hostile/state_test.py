"""Saved states with a body of anybody's making, and texts of any bytes."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any, Dict

import pytest
from hostile_process import HostileProcess

N_CASES = 300
PROGRAM = Path(__file__).with_name("state_child.py")

# The beginning of a state: names, counts, positions. The rest is numbers of the cache.
HEAD = 600
WORDS = (0, 1, 2, 63, 64, 65, 255, 2**16, 2**31 - 1, 2**31, 2**32 - 1)


@pytest.fixture
def process():
    process = HostileProcess(PROGRAM, os.environ["LLAMA_TEST_MODEL"])
    yield process
    process.close()


def spoiled_state(rng: random.Random) -> Dict[str, Any]:
    """Other counts, lengths, types or positions; sometimes the state is cut."""
    edits = []
    for _ in range(rng.choice((1, 1, 2, 5))):
        place = rng.randrange(HEAD) // 4 * 4
        word = rng.choice(WORDS).to_bytes(4, "little") * rng.choice((1, 1, 2))
        edits.append([place, word.hex()])
    return {"kind": "state", "edits": edits, "cut": rng.choice((2**40, 2**40, rng.randrange(9000)))}


def any_bytes(rng: random.Random) -> Dict[str, Any]:
    length = rng.choice((0, 1, 2, 3, 7, 100, 5000))
    pieces = (
        b"\x00",
        b"\xff",
        b"\xf0\x9f\x98",
        "語".encode(),
        b"<|im_end|>",
        b"</s>",
        b"\xed\xa0\x80",
    )
    text = b""
    while len(text) < length:
        text += rng.choice((*pieces, bytes([rng.randrange(256)]), b" " * rng.randrange(9)))
    return {"kind": "bytes", "text": text.hex()}


@pytest.mark.parametrize("make", [spoiled_state, any_bytes])
def test_nothing_kills(process, make):
    found = []
    for seed in range(N_CASES):
        case = make(random.Random(seed))
        found += [f"seed {seed}: {fault}" for fault in process.faults(case, 0)]
    assert not found, "\n".join(found)


def test_an_unchanged_state_is_restored(process):
    """The checksum of the child is that of the package."""
    assert process.answer({"kind": "state", "edits": [], "cut": 2**40})["steps"][
        "state"
    ].keys() == {"seconds"}
