"""States that stay on a device (LLAMA_STATE_SEQ_FLAGS_ON_DEVICE): those that cannot be restored are
an error of the call, not the end of the process (the patch device-states)."""

from __future__ import annotations

import ctypes

import pytest

import llama_cpp
from llama_cpp import Llama

# llama.h
ON_DEVICE = 2
TOKENS = [1, 5, 9, 7]


def save(llm: Llama, sequence: int = 0) -> ctypes.Array[ctypes.c_uint8]:
    size = llama_cpp.llama_state_seq_get_size_ext(llm.ctx, sequence, ON_DEVICE)
    state = (ctypes.c_uint8 * size)()
    written = llama_cpp.llama_state_seq_get_data_ext(llm.ctx, state, size, sequence, ON_DEVICE)
    assert written == size
    return state


def restore(llm: Llama, state: ctypes.Array[ctypes.c_uint8]) -> int:
    return llama_cpp.llama_state_seq_set_data_ext(llm.ctx, state, len(state), 0, ON_DEVICE)


def longest(llm: Llama) -> int:
    memory = llama_cpp.llama_get_memory(llm.ctx)
    return llama_cpp.llama_memory_seq_pos_max(memory, 0)


@pytest.fixture
def llm(fresh) -> Llama:
    fresh.eval(TOKENS)
    return fresh


def test_restores_what_was_saved_last(llm) -> None:
    state = save(llm)
    llm.eval([3, 4])
    assert restore(llm, state) == len(state)
    assert longest(llm) == len(TOKENS) - 1


def changed(state: ctypes.Array[ctypes.c_uint8], position: int) -> ctypes.Array[ctypes.c_uint8]:
    other = type(state).from_buffer_copy(state)
    other[position] ^= 0x40
    return other


@pytest.mark.parametrize(
    "damage",
    [
        lambda state: (ctypes.c_uint8 * 0)(),
        lambda state: (ctypes.c_uint8 * 4).from_buffer_copy(state),
        lambda state: (ctypes.c_uint8 * (len(state) - 1)).from_buffer_copy(state),
        lambda state: (ctypes.c_uint8 * (len(state) + 8))(*state),
        lambda state: changed(state, 0),
        lambda state: changed(state, 4),
    ],
    ids=["empty", "head", "shorter", "longer", "magic", "sequence"],
)
def test_other_bytes(llm, damage) -> None:
    state = save(llm)
    assert restore(llm, damage(state)) == 0
    assert restore(llm, state) == len(state)


def test_of_another_context(llm, load) -> None:
    state = save(llm)
    other = load(llm.model_path)
    assert restore(other, state) == 0
    assert longest(other) == -1


def test_an_earlier_one(llm) -> None:
    """The bytes say which cells; the data on the device are those of the last call."""
    state = save(llm)
    llm.eval([3, 4])
    save(llm)
    assert restore(llm, state) == 0
    assert longest(llm) == -1
