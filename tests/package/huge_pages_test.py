"""Linux is asked for huge pages under weights that are not mapped from their file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import llama_cpp

SETTING = Path("/sys/kernel/mm/transparent_hugepage/enabled")
FLAGS = "VmFlags:"
ADVISED = "hg"

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not SETTING.exists(),
    reason="the system has no huge pages to ask for",
)


def advised_bytes() -> int:
    """Returns the size of this process's mappings that have the flag (proc_pid_smaps(5))."""
    size = total = 0
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if line.startswith("Size:"):
            size = int(line.split()[1]) * 1024
        elif line.startswith(FLAGS) and ADVISED in line[len(FLAGS) :].split():
            total += size
    return total


def test_weights_in_memory(random_models):
    path = random_models / "llama-f32.gguf"
    before = advised_bytes()
    llm = llama_cpp.Llama(str(path), use_mmap=False, verbose=False)
    # The ends of a block share their pages with others.
    assert advised_bytes() - before > path.stat().st_size - 2 * (2 << 20)
    llm.close()
    assert advised_bytes() - before < path.stat().st_size
