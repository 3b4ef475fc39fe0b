"""Descriptions that no real model has end in a result or an error, and not in silence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from architectures.blocks import Sizes
from architectures.sparse import INDEX_HEAD, deepseek4

LOGITS = """
import sys

import llama_cpp

llm = llama_cpp.Llama(sys.argv[1], n_ctx=64, n_threads=1, verbose=False)
llm.eval(range(20))
print(llm.n_tokens)
"""


def test_heads_as_wide_as_the_indexer(tmp_path: Path, run_python: Callable[..., Any]) -> None:
    """The cache for layers without a window has no layer, and its widest head is 0.

    llama.cpp looked for the largest power of two that divides it, without end
    (third_party/llama.cpp/patches/kv-cache-no-layers.patch).
    """
    model = deepseek4("equal", Sizes(n_layer=3, head=INDEX_HEAD))
    path = tmp_path / "equal.gguf"
    model.write(path, model.weights())
    done = run_python(LOGITS, str(path), timeout=120)
    assert done.stdout.strip() == "20", done.stderr
