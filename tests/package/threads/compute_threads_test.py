"""The threads that compute: a context keeps them, and a forked process starts its own."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

# Shared by the programs below.
HEADER = """
import os, sys, time
import llama_cpp
import numpy  # has threads of its own
def threads():
    return set(os.listdir("/proc/self/task"))
def text(llm):
    return llm("In the", max_tokens=4, temperature=0)["choices"][0]["text"]
def have_ended(those):
    deadline = time.monotonic() + 5
    while threads() & those and time.monotonic() < deadline:
        time.sleep(0.01)
    return not threads() & those
"""


def test_a_context_keeps_its_threads(run_python, model_path):
    """Prompts and tokens share them; they end with the context."""
    code = (
        HEADER
        + """
others = threads()
llm = llama_cpp.Llama(sys.argv[1], n_ctx=128, n_threads=3, n_threads_batch=2, verbose=False)
text(llm)
kept = threads() - others
assert len(kept) == 2, kept
text(llm)
assert threads() - others == kept
llm.close()
assert have_ended(kept)
"""
    )
    done = run_python(code, model_path)
    assert done.returncode == 0, done.stderr


def test_a_forked_process_starts_its_own(run_python, model_path):
    """The child has none of its parent's threads, and ends none of them."""
    code = (
        HEADER
        + """
llm = llama_cpp.Llama(sys.argv[1], n_ctx=128, n_threads=2, n_threads_batch=2, verbose=False)
expected = text(llm)
child = os.fork()
if child == 0:
    others = threads()
    same = text(llm) == expected
    own = threads() - others
    llm.close()
    sys.exit(0 if same and len(own) == 1 and have_ended(own) else 3)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert text(llm) == expected
"""
    )
    # Python warns of threads while it forks.
    done = run_python(code, model_path, options=("-W", "ignore"))
    assert done.returncode == 0, done.stderr
