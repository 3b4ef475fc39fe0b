"""Threads of a computation that wait for each other give way, and sleep when idle."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# Prints the CPU seconds and wall seconds of some tokens, all threads on one CPU.
ON_ONE_CPU = """
import os, sys, time
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
import llama_cpp
threads = int(sys.argv[2])
llm = llama_cpp.Llama(
    sys.argv[1], n_ctx=64, n_threads=threads, n_threads_batch=threads, verbose=False
)
llm.eval([1, 2, 3])
start = time.process_time()
for token in range(30):
    llm.eval([10 + token])
print(time.process_time() - start)
"""

IDLE = """
import sys, time
import llama_cpp
llm = llama_cpp.Llama(sys.argv[1], n_ctx=64, n_threads=4, n_threads_batch=4, verbose=False)
llm.eval([1, 2, 3])
time.sleep(0.2)  # on a busy machine threads reach their wait late
start = time.process_time()
time.sleep(1)
print(time.process_time() - start)
"""


def number(code, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        check=True,
        text=True,
        timeout=120,
    )
    return float(done.stdout)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="CPUs can't be chosen here")
@pytest.mark.parametrize("threads", [2, 4])
def test_threads_on_one_cpu_leave_it_to_each_other(model_path, threads):
    """Processor time, which other programs don't lengthen; spinning threads use up whole slices."""
    alone = number(ON_ONE_CPU, model_path, 1)
    together = number(ON_ONE_CPU, model_path, threads)
    assert together < 0.2 + 10 * alone


def test_an_idle_llama_costs_no_processor_time(model_path):
    assert number(IDLE, model_path) < 0.05
