"""Ctrl-C and alarms at random moments of every kind of native call.

Each test runs a child that works without end. In one form the child ends by KeyboardInterrupt; in
the other it catches the handler's exception, goes on, and must then give the results of a fresh
object. The figures are printed.
"""

from __future__ import annotations

import json
import random
import signal
import statistics
import subprocess
import sys
import textwrap
import time

import pytest

resource = pytest.importorskip("resource", reason="Windows has no such signals")

# An answer takes at most this, on a core of its own. Where the child gets half a core, twice that.
LIMIT_S = 1.0
EXITS = 2
ROUNDS = 5

HEADER = """
import itertools, json, os, signal, sys, threading, time
import llama_cpp
from llama_cpp import Llama

MODEL, MODELS = sys.argv[1:3]

def load(name=None, **arguments):
    path = f"{MODELS}/{name}.gguf" if name else MODEL
    arguments = {"n_threads": 1, "n_threads_batch": 1, "verbose": False, **arguments}
    return Llama(path, **arguments)

def greedy(llm, prompt, n=8):
    return list(itertools.islice(llm.generate(prompt, temp=0.0), n))
"""


def quantization(n_threads: int) -> tuple[str, str, str]:
    """Returns a row of WORK: an interrupted call leaves a whole file, if it had ended, or none."""
    prepared = f"""
source, target = f'{{MODELS}}/llama-f32.gguf', os.path.join(os.getcwd(), 'out.gguf')
params = llama_cpp.llama_model_quantize_default_params()
params.nthread = {n_threads}
params.ftype = llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_M
def quantize():
    llama_cpp.llama_model_quantize(source, target, params)
def again():
    left = os.path.getsize(target) if os.path.exists(target) else None
    left is None or os.remove(target)
    quantize()
    size = os.path.getsize(target)
    return left in (None, size), size
"""
    return prepared, "while True: quantize()", "again()"


# Name -> (setup, work without end, expression that must stay the same).
WORK = {
    "load": (
        "",
        "while True: load('llama-f32', use_mmap=False)",
        "greedy(load('llama-f32'), [1, 300])",
    ),
    "load_mapped_and_verbose": (
        "sys.stderr = open(os.devnull, 'w')",
        "while True: load(verbose=True)",
        "greedy(load(), [1, 300])",
    ),
    "prompt": (
        "llm = load('llama-f32', n_ctx=8192, n_batch=512)\n"
        "prompt = [300 + i % 200 for i in range(8000)]",
        "while True: llm.reset(); llm.eval(prompt)",
        "greedy(llm, prompt[:40])",
    ),
    "prompt_with_all_logits": (
        "llm = load('llama-q4_k', n_ctx=2048, n_ubatch=128, logits_all=True)\n"
        "prompt = [300 + i % 200 for i in range(2000)]",
        "while True: llm.reset(); llm.eval(prompt)",
        "greedy(llm, prompt[:40])",
    ),
    "generation": (
        "llm = load(n_ctx=512)",
        "while True:\n    for token in llm.generate([1, 300], temp=0.0):\n"
        "        if llm.n_tokens > 500: break",
        "greedy(llm, [1, 300, 301])",
    ),
    "completion": (
        "llm = load(n_ctx=512)",
        "while True: llm('In the beginning', max_tokens=400, temperature=0.0)",
        "llm('In the beginning', max_tokens=8, temperature=0.0)['choices'][0]['text']",
    ),
    "embedding": (
        "llm = load('embedding-f16', embedding=True, n_ctx=512)\ntexts = ['w1 w2 w3 ' * 100] * 40",
        "while True: llm.embed(texts)",
        "llm.embed('w1 w2 w3')",
    ),
    "quantization": quantization(n_threads=1),
    "quantization_by_threads": quantization(n_threads=3),
    "tokenizing": (
        "llm = load(vocab_only=True)\ntext = b'In the beginning God created the heaven. ' * 200000",
        "while True: llm.tokenize(text)",
        "llm.tokenize(text[:1000])",
    ),
    "state": (
        "llm = load(n_ctx=512)\nllm.eval(list(range(300, 500)))\nstate = llm.save_state()",
        "while True: llm.load_state(llm.save_state())",
        "(llm.load_state(state), greedy(llm, list(range(300, 500))))[1]",
    ),
}

ENDLESS = """
print("ready", flush=True)
{work}
"""

# The handler raises `Told`. The moment of the signal is known to the child alone.
CATCHING = """
def work():
    {work}

def told_by_alarm(delay):
    signal.setitimer(signal.ITIMER_REAL, delay)

def told_by_interrupt(delay):
    threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT)).start()

class Expired(Exception):
    pass

def handler(number, frame):
    raise Expired(number)

tell, Told = told_by_interrupt, KeyboardInterrupt
if sys.argv[3] == "alarm":
    tell, Told = told_by_alarm, Expired
    signal.signal(signal.SIGALRM, handler)

expected = {check}
late, begin, cpu_begin = [], time.perf_counter(), time.process_time()
for delay in json.loads(sys.argv[4]):
    start = time.perf_counter()
    tell(delay)
    try:
        work()
    except Told as error:
        assert Told is KeyboardInterrupt or error.args == (signal.SIGALRM,), error
        late.append(time.perf_counter() - start - delay)
    found = {check}
    assert found == expected, (found, expected)
share = (time.process_time() - cpu_begin) / (time.perf_counter() - begin)
print(json.dumps([late, share]))
"""


def program(name: str, form: str) -> str:
    setup, work, check = WORK[name]
    body = form.format(work=textwrap.indent(work, "    ").strip(), check=check)
    if form is ENDLESS:
        body = form.format(work=work)
    return "\n".join([HEADER, setup, body])


def limit(share: float) -> float:
    """Seconds that an answer may take in a process that gets this share of a core."""
    return LIMIT_S / min(share, 1)


def cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def seconds_to_exit(name: str, delay: float, cwd, *arguments: str) -> tuple[float, float]:
    """Interrupts the child `delay` s after it says that it is ready.

    Returns the seconds until it has ended, and its share of a core.
    """
    begin, cpu_begin = time.perf_counter(), cpu_of_children()
    child = subprocess.Popen(
        [sys.executable, "-c", program(name, ENDLESS), *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout.readline() == "ready\n", child.stderr.read()
        time.sleep(delay)
        assert child.poll() is None, child.stderr.read()
        start = time.perf_counter()
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=60)
        end = time.perf_counter()
    finally:
        child.kill()
    assert "KeyboardInterrupt" in errors or name == "load_mapped_and_verbose", errors
    assert child.returncode == -signal.SIGINT, (child.returncode, errors)
    return end - start, (cpu_of_children() - cpu_begin) / (end - begin)


@pytest.mark.parametrize("name", WORK)
def test_ctrl_c_ends_the_process(name, tmp_path, model_path, random_models):
    delays = random.Random(name)
    arguments = (tmp_path, model_path, str(random_models))
    for _ in range(EXITS):
        delay = delays.uniform(0.05, 0.8)
        seconds, share = seconds_to_exit(name, delay, *arguments)
        print(f"{name}: signal after {delay:.2f} s, exit after {seconds:.3f} s")
        assert seconds < limit(share)


@pytest.mark.parametrize("signal_name", ["alarm", "interrupt"])
@pytest.mark.parametrize("name", WORK)
def test_a_caught_exception_leaves_everything_usable(
    name, signal_name, run_python, model_path, random_models
):
    delays = [random.Random(f"{name} {i}").uniform(0.02, 0.5) for i in range(ROUNDS)]
    arguments = (model_path, random_models, signal_name, json.dumps(delays))
    done = run_python(program(name, CATCHING), *arguments)
    assert done.returncode == 0, done.stderr
    late, share = json.loads(done.stdout)
    print(f"{name}: median {statistics.median(late):.3f} s, most {max(late):.3f} s")
    assert len(late) == ROUNDS
    assert max(late) < limit(share)
