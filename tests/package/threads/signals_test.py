"""Signals, native calls and threads: which thread sees which signal."""

from __future__ import annotations

import json
import signal

import pytest

HEADER = """
import json, os, signal, sys, threading, time
import llama_cpp
from llama_cpp import Llama, _core

class Expired(Exception):
    pass

def expire(number, frame):
    raise Expired

def load(**arguments):
    return Llama(sys.argv[1], n_threads=1, n_threads_batch=1, verbose=False, **arguments)

PROMPT = [300 + i % 200 for i in range(8000)]
"""


def run(run_python, code: str, *arguments):
    done = run_python(HEADER + code, *arguments)
    assert done.returncode == 0, done.stderr
    return done


def test_only_the_main_thread_is_interrupted(run_python, random_models):
    """The worker goes on until abort(), and the handler's exception is the main thread's."""
    code = """
llm, caught = load(n_ctx=8192), []
def work():
    try:
        while True:
            llm.reset(); llm.eval(PROMPT)
    except llama_cpp.AbortedError as error:
        caught.append(str(error))
worker = threading.Thread(target=work)
worker.start()
signal.signal(signal.SIGALRM, expire)
signal.setitimer(signal.ITIMER_REAL, 0.3)
try:
    while True:
        time.sleep(0.01)
except Expired:
    pass
assert worker.is_alive() and not caught
llm.ctx.abort()
worker.join()
assert caught == ["decode was stopped by abort()"], caught
"""
    run(run_python, code, random_models / "llama-f32.gguf")


def test_both_threads_compute_and_one_is_interrupted(run_python, random_models):
    code = """
mine, theirs, done = load(n_ctx=8192), load(n_ctx=8192), []
def work():
    theirs.eval(PROMPT[:2000])
    done.append(theirs.n_tokens)
worker = threading.Thread(target=work)
worker.start()
signal.signal(signal.SIGALRM, expire)
signal.setitimer(signal.ITIMER_REAL, 0.3)
try:
    while True:
        mine.reset(); mine.eval(PROMPT)
except Expired:
    pass
worker.join()
assert done == [2000] and mine.n_tokens == 0
mine.eval(PROMPT[:100])
theirs.reset(); theirs.eval(PROMPT[:100])
assert (mine.ctx.logits(-1) == theirs.ctx.logits(-1)).all()
"""
    run(run_python, code, random_models / "llama-f32.gguf")


def test_a_handler_uses_the_package(run_python, random_models):
    """Other objects work in it; the one that was interrupted is busy, and usable afterwards."""
    code = """
llm, other, seen = load(n_ctx=8192), load(n_ctx=512), []
def handler(number, frame):
    other.reset(); other.eval(PROMPT[:50])
    seen.append(len(other.tokenize(b"w1 w2")))
    try:
        llm.ctx.decode_one(300, 0)
    except llama_cpp.BusyError:
        seen.append("busy")
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.2)
llm.eval(PROMPT[:3000])
assert seen[1:] == ["busy"], seen
assert llm.n_tokens == 3000  # the handler raised nothing
"""
    run(run_python, code, random_models / "llama-f32.gguf")


def test_a_log_sink_does_not_swallow_ctrl_c(run_python, model_path):
    """The signal arrives while the sink runs."""
    code = """
def sink(level, line):
    if "load" in line and not sink.told:
        sink.told = True
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
sink.told = False
_core.set_log_level(_core.LogLevel.DEBUG)
_core.set_log_sink(sink)
try:
    _core.Model(sys.argv[1], _core.ModelParams())
except KeyboardInterrupt:
    sys.exit(0)
sys.exit("swallowed")
"""
    run(run_python, code, model_path)


def test_a_progress_callback_and_ctrl_c(run_python, model_path):
    code = """
def progress(fraction):
    os.kill(os.getpid(), signal.SIGINT)
    return True
try:
    _core.Model(sys.argv[1], _core.ModelParams(), progress)
except KeyboardInterrupt:
    sys.exit(0)
sys.exit("swallowed")
"""
    run(run_python, code, model_path)


def test_the_main_thread_after_fork(run_python, random_models):
    """The thread that forked is the child's main thread, whichever it was before."""
    code = """
status = []
def fork():
    pid = os.fork()
    if pid == 0:
        llm = load(n_ctx=8192)
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        try:
            while True:
                llm.reset(); llm.eval(PROMPT)
        except Expired:
            os._exit(7)
    status.append(os.waitpid(pid, 0)[1])
signal.signal(signal.SIGALRM, expire)
thread = threading.Thread(target=fork)
thread.start()
thread.join()
assert os.WEXITSTATUS(status[0]) == 7, status
"""
    run(run_python, code, random_models / "llama-f32.gguf")


@pytest.mark.parametrize("n_busy", [1, 3])
def test_busy_python_threads_delay_the_answer_little(run_python, random_models, n_busy):
    """Each busy thread keeps the GIL for 5 ms at a time."""
    code = """
sys.setswitchinterval(0.005)
stop = False
def spin():
    while not stop:
        pass
for _ in range(int(sys.argv[2])):
    threading.Thread(target=spin, daemon=True).start()
llm, late = load(n_ctx=8192), []
signal.signal(signal.SIGALRM, expire)
for _ in range(3):
    begin, cpu_begin = time.perf_counter(), time.thread_time()
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        while True:
            llm.reset(); llm.eval(PROMPT)
    except Expired:
        seconds = time.perf_counter() - begin
        late.append([seconds - 0.3, (time.thread_time() - cpu_begin) / seconds])
stop = True
print(json.dumps(late))
"""
    done = run(run_python, code, random_models / "llama-f32.gguf", n_busy)
    for seconds, share in json.loads(done.stdout):
        print(f"answered after {seconds:.3f} s, with {share:.2f} of a core")
        assert seconds < 1 / min(share, 1)


def test_sigint_is_python_s_default(run_python):
    """Importing the package changes no handler."""
    code = "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler\n"
    run(run_python, code, "none")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


# The exception is an ordinary one, raised by each form of handler that signal.signal() takes.
WHILE_THE_SINK_RUNS = """
import functools, random, signal, sys, time
from llama_cpp import Llama

class Expired(Exception):
    pass

def function(number, frame):
    raise Expired

class Handlers:
    def method(self, number, frame):
        raise Expired
    def __call__(self, number, frame):
        raise Expired

# In a function, since CPython 3.13 handles signals at the end of a loop, too, which it leaves out
# of the `try` that is around the loop.
def load_until(deadline):
    while time.monotonic() < deadline:
        Llama(sys.argv[1], n_threads=1, n_threads_batch=1, verbose=True)

handlers = [function, Handlers().method, Handlers(), functools.partial(function)]
numbers = random.Random(1)
for index in range(80):
    signal.signal(signal.SIGALRM, handlers[index % len(handlers)])
    deadline = time.monotonic() + 60
    try:
        signal.setitimer(signal.ITIMER_REAL, numbers.uniform(0.001, 0.08))
        load_until(deadline)
        sys.exit(f"the exception of alarm {index} is lost")
    except Expired:
        pass
"""


def test_an_exception_of_a_handler_is_not_taken_for_the_log_sinks(run_python, model_path):
    """Most alarms of a verbose load arrive while its messages are written, in Python."""
    done = run_python(WHILE_THE_SINK_RUNS, model_path)
    assert done.returncode == 0, done.stderr[-2000:]
