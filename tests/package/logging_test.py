"""The destination of each message; the process's file descriptors are left alone."""

from __future__ import annotations

import sys

import pytest

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

QUIET = """
import os, sys
from llama_cpp import Llama
def fds():
    return {fd: os.stat(f"/proc/self/fd/{fd}") for fd in (0, 1, 2)}
before = fds()
llm = Llama(sys.argv[1], n_ctx=128, verbose=False)
llm("In the beginning", max_tokens=4)
llm.create_chat_completion([{"role": "user", "content": "hi"}], max_tokens=2)
llm.close()
after = fds()
assert before == after, "the descriptors were replaced"
"""

WRITER = """
import os, sys, threading
from llama_cpp import Llama
# A thread writes to descriptor 1 all the time: every byte has to arrive.
stop = threading.Event()
count = 0
def write():
    global count
    while not stop.is_set():
        os.write(1, b"x")
        count += 1
thread = threading.Thread(target=write)
thread.start()
for _ in range(3):
    llm = Llama(sys.argv[1], n_ctx=128, verbose=False)
    llm("In the beginning", max_tokens=4)
stop.set()
thread.join()
print(f"\\n{count}", flush=True)
"""


@on_linux
def test_quiet_is_quiet_and_leaves_descriptors_alone(run_python, model_path):
    done = run_python(QUIET, model_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "" and done.stderr == ""


def test_no_byte_of_another_thread_is_lost(run_python, model_path):
    done = run_python(WRITER, model_path)
    written, count = done.stdout.split("\n")[:2]
    assert len(written) == int(count) > 0


@on_linux
def test_no_descriptor_is_opened(run_python, model_path):
    code = """
import os, sys
import llama_cpp
from llama_cpp import Llama
Llama(sys.argv[1], n_ctx=128, verbose=False).close()
before = set(os.listdir("/proc/self/fd"))
for _ in range(3):
    llm = Llama(sys.argv[1], n_ctx=128, verbose=False, use_mmap=False)
    llm("In the", max_tokens=2)
    llm.close()
assert set(os.listdir("/proc/self/fd")) == before
"""
    done = run_python(code, model_path)
    assert done.returncode == 0, done.stderr


def test_verbose_goes_to_stderr(run_python, model_path):
    code = (
        "import sys; from llama_cpp import Llama; Llama(sys.argv[1], n_ctx=128)('In', max_tokens=2)"
    )
    done = run_python(code, model_path)
    assert done.returncode == 0
    assert done.stdout == "" and "llama" in done.stderr.lower()


def test_errors_are_shown_even_when_quiet(run_python, tmp_path, model_path):
    """The peer hides errors with verbose=False, and shows warnings instead."""
    code = """
import sys
from llama_cpp import _core, Llama
from llama_cpp import _logger
Llama(sys.argv[1], n_ctx=128, verbose=False)
_logger._sink(4, "an error\\n")
"""
    done = run_python(code, model_path)
    assert done.stderr == "an error\n"


def test_messages_go_to_logging_when_it_is_set_up(run_python, model_path):
    code = """
import logging, sys
logging.basicConfig(format="LOG %(name)s %(levelname)s", stream=sys.stdout)
from llama_cpp import Llama
Llama(sys.argv[1], n_ctx=128)
"""
    done = run_python(code, model_path)
    assert "LOG llama-cpp-python INFO" in done.stdout
    assert "llama_model_loader" not in done.stderr


def test_own_callback_gets_every_message(run_python, model_path):
    code = """
import ctypes, sys
import llama_cpp
seen = []
@llama_cpp.llama_log_callback
def callback(level, text, user_data):
    seen.append((level, text))
llama_cpp.llama_log_set(callback, ctypes.c_void_p(0))
llm = llama_cpp.Llama(sys.argv[1], n_ctx=128, verbose=False)
assert seen and all(isinstance(text, bytes) for _, text in seen)
assert {level for level, _ in seen} & {1, 2}
llama_cpp.llama_log_set(None)
count = len(seen)
llama_cpp.Llama(sys.argv[1], n_ctx=128, verbose=False)
assert len(seen) == count
"""
    done = run_python(code, model_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_messages_after_shutdown_do_not_crash(run_python, model_path):
    code = """
import sys
import llama_cpp
llm = llama_cpp.Llama(sys.argv[1], n_ctx=128)
llm("In", max_tokens=2)
sys.stderr = None
"""
    assert run_python(code, model_path).returncode == 0


@pytest.mark.parametrize("verbose", [True, False])
def test_set_verbose(verbose):
    import logging

    from llama_cpp import _logger

    before = _logger.logger.level
    try:
        _logger.set_verbose(verbose)
        assert _logger.logger.name == "llama-cpp-python"
        assert _logger.logger.level == (logging.DEBUG if verbose else logging.ERROR)
    finally:
        _logger.set_verbose(before < logging.ERROR)


def test_suppress_touches_only_python_objects(capfd):
    import os
    import sys

    from llama_cpp import suppress_stdout_stderr

    with suppress_stdout_stderr(disable=False):
        print("hidden")
        print("hidden", file=sys.stderr)
        os.write(1, b"shown")
    with suppress_stdout_stderr():
        os.write(2, b"also")
    assert capfd.readouterr() == ("shown", "also")


def test_log_callback_of_the_package(run_python, model_path):
    """After a callback of its own a program goes back to the one that was there."""
    code = """
import ctypes, sys
import llama_cpp
from llama_cpp import _logger
seen = []
own = llama_cpp.llama_log_callback(lambda level, text, data: seen.append(text))
llama_cpp.llama_log_set(own, ctypes.c_void_p(0))
llama_cpp.Llama(sys.argv[1], n_ctx=128, verbose=True).close()
assert seen
print("-- back", file=sys.stderr)
llama_cpp.llama_log_set(_logger.llama_log_callback, ctypes.c_void_p(0))
llama_cpp.Llama(sys.argv[1], n_ctx=128, verbose=False).close()
print("-- verbose", file=sys.stderr)
llama_cpp.Llama(sys.argv[1], n_ctx=128, verbose=True).close()
"""
    done = run_python(code, model_path)
    assert done.returncode == 0, done.stderr
    quiet, verbose = done.stderr.split("-- back\n")[1].split("-- verbose\n")
    assert quiet == "" and "llama_context" in verbose


def test_names_of_utils(run_python):
    """Files are opened for those who ask for them."""
    from llama_cpp import _utils

    assert (_utils.STDOUT_FILENO, _utils.STDERR_FILENO) == (1, 2)  # POSIX, unistd.h
    assert _utils.outnull_file.write("x") == 1 and _utils.outnull_file is _utils.outnull_file
    assert _utils.errnull_file is not _utils.outnull_file
    with pytest.raises(AttributeError, match="nothing"):
        _utils.nothing  # noqa: B018
    done = run_python("from llama_cpp import _utils; print(*vars(_utils))")
    assert "suppress_stdout_stderr" in done.stdout and "null_file" not in done.stdout
