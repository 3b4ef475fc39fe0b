"""The checks, the architectures that each applies to, and the faults of upstream that are known.

    python checks.py

prints the tables of README.md.
"""

from __future__ import annotations

from typing import NamedTuple

from architectures import ARCHITECTURES, FAMILIES, Architecture, Kind

import llama_cpp

# Check -> kinds of models that it applies to, and its words in the README.
CHECKS: dict[str, tuple[set[Kind], str]] = {
    "load": (set(Kind), "a text, and the same text after its vocabulary: to tokens and back"),
    "batch": (
        {Kind.DECODER, Kind.ENCODER_DECODER},
        "logits of one batch, of small batches, and token by token",
    ),
    "prefix": (
        {Kind.DECODER},
        "logits of a prompt whose beginning an earlier one shares, and those of a fresh object",
    ),
    "state": (
        {Kind.DECODER},
        "save and load, into the same object and a fresh one: the logits of what follows",
    ),
    "second": (
        {Kind.ENCODER_DECODER},
        "another text for the encoder while the decoder has tokens",
    ),
    "generate": (
        {Kind.DECODER, Kind.ENCODER_DECODER},
        "the same tokens twice, greedily, and the most likely ones",
    ),
    "embed": (
        {Kind.DECODER, Kind.ENCODER},
        "embeddings of texts together, alone, and by a fresh object",
    ),
}


class Fault(NamedTuple):
    """A known fault of upstream: the error that a check ends with, and its cause."""

    error: type[Exception]
    cause: str


# (architecture, check) -> the fault.
FAULTS: dict[tuple[str, str], Fault] = {
    ("deepseek4", "embed"): Fault(
        llama_cpp.DecodeError,
        "llama_decode() fails an assertion, which ends a process that has no handler for it:"
        " load_arch_hparams() in src/models/deepseek4.cpp makes llama_model_n_embd_out() four"
        " times the width of the embeddings (for the draft head), and llama_context::decode()"
        " reads as much from the graph's output, which has the width alone.",
    ),
    ("t5", "second"): Fault(
        AssertionError,
        "llama_encode() returns -1: a comment in llama_context::encode() (src/llama-context.cpp)"
        " says that it skips the check of positions, but llama_batch_allocr::init() compares them"
        " with those in the decoder's memory. Clear the memory before.",
    ),
}

# Architectures whose numbers //tests/native/numerics compares with an implementation in NumPy.
REFERENCES = {"llama", "gemma2", "gemma3", "mixtral", "qwen3moe", "mamba", "bert", "t5encoder"}


def applies(check: str, model: Architecture) -> bool:
    return model.kind in CHECKS[check][0]


def names(check: str) -> list[str]:
    """Returns the architectures that a check applies to."""
    return [name for name, model in ARCHITECTURES.items() if applies(check, model)]


def result(check: str, model: Architecture) -> str:
    if not applies(check, model):
        return "-"
    return "fault" if (model.name, check) in FAULTS else "yes"


def tables() -> str:
    """Returns the generated part of README.md: checks, known faults, architectures."""
    checks = [[check, words] for check, (_, words) in CHECKS.items()]
    faults = [[name, check, fault.cause] for (name, check), fault in FAULTS.items()]
    heads = ["architecture", "family", "vocabulary", *CHECKS, "reference", "mechanisms"]
    rows = [
        [
            model.name,
            family,
            model.vocabulary.name,
            *(result(check, model) for check in CHECKS),
            "yes" if model.name in REFERENCES else "-",
            model.covers,
        ]
        for family, models in FAMILIES.items()
        for model in models
    ]
    return "\n".join(
        [
            _table(["check", "compares"], checks),
            _table(["architecture", "check", "fault of upstream"], faults),
            _table(heads, rows),
        ]
    )


def _table(heads: list[str], rows: list[list[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in [heads, ["---"] * len(heads), *rows])


if __name__ == "__main__":
    print(tables(), end="")
