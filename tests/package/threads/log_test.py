"""llama.cpp's messages while several threads log, and the sink and the level change."""

from __future__ import annotations

import re
import sys
import threading
from pathlib import Path

import pytest
from native_calls import PROMPTS, generate, new_context
from together import each, then_set, together, until


@pytest.fixture
def sink(core):
    """Puts things back as the package has them."""
    from llama_cpp import _logger

    yield core.set_log_sink
    _logger.set_log_callback(None)
    _logger.set_verbose(False)


def load_and_generate(core, model_path):
    own = core.Model(model_path, core.ModelParams())
    return generate(core, own, new_context(core, own), PROMPTS[0])


def shape(line):
    """Returns a line without the parts that vary between runs: addresses, times, an input's
    node."""
    line = re.sub(r" +", " ", re.sub(r"is used by .*", "", line))
    return re.sub(r"0x[0-9a-f]+|\d+(\.\d+)?", "0", line)


def test_lines_of_several_threads_arrive_whole(core, sink, model_path):
    alone, seen = [], {}
    core.set_log_level(core.LogLevel.DEBUG)
    sink(lambda level, line: alone.append((level, shape(line))))
    load_and_generate(core, model_path)
    sink(
        lambda level, line: seen.setdefault(threading.get_ident(), []).append((level, shape(line)))
    )
    each(range(4), lambda _: load_and_generate(core, model_path))
    assert len(alone) > 50
    for lines in seen.values():
        assert sorted(lines) == sorted(alone)  # sets of pointers have no order


def test_the_sink_changes_while_others_log(core, sink, model_path):
    core.set_log_level(core.LogLevel.DEBUG)
    done = threading.Event()
    counts = [0, 0]

    def first(level, line):
        counts[0] += 1

    class Second:
        def __call__(self, level, line):
            counts[1] += 1

    def change():
        sink(first)
        sink(Second())
        core.set_log_level(core.LogLevel.ERROR)
        core.set_log_level(core.LogLevel.DEBUG)

    def work():
        return [load_and_generate(core, model_path) for _ in range(3)]

    _, _, first_texts, second_texts = together(
        until(done, change), until(done, change), then_set(done, work), work
    )
    assert len({*first_texts, *second_texts}) == 1
    assert sum(counts) > 0


def test_a_sink_that_raises_disturbs_nobody(core, sink, model_path, monkeypatch):
    raised = []
    monkeypatch.setattr(sys, "unraisablehook", lambda report: raised.append(report.exc_value))

    def broken(level, line):
        raise ZeroDivisionError(line)

    core.set_log_level(core.LogLevel.DEBUG)
    sink(broken)
    texts = each(range(3), lambda _: load_and_generate(core, model_path))
    assert len(set(texts)) == 1
    assert raised and all(isinstance(error, ZeroDivisionError) for error in raised)


def test_a_sink_may_call_back_into_llama(core, model, sink, model_path):
    """Its own messages are dropped, so it never calls itself."""
    core.set_log_level(core.LogLevel.DEBUG)
    lines, inside, nested = [], [], []

    def busy(level, line):
        lines.append(line)
        nested.extend(inside)
        inside.append(line)
        model.tokenize(line.encode(), True, True)
        if len(lines) < 3:
            core.Model(model_path, core.ModelParams())
        inside.pop()

    sink(busy)
    assert load_and_generate(core, model_path)
    assert len(lines) > 50 and nested == []


def test_messages_of_native_threads(core, sink):
    """A thread that Python has never seen logs into a Python sink."""
    ctypes = pytest.importorskip("ctypes")
    import llama_cpp

    library = Path(llama_cpp.__file__).parent / "lib" / "libllama_cpp_python-ggml.so"
    log_an_error = ctypes.CDLL(str(library)).ggml_backend_load  # void *(*)(const char *)
    libc = ctypes.CDLL(None)
    missing = b"/nonexistent/libggml-missing.so"
    seen = []
    sink(lambda level, line: seen.append((threading.get_native_id(), level, line)))
    threads = [ctypes.c_ulong() for _ in range(4)]
    for thread in threads:
        assert libc.pthread_create(ctypes.byref(thread), None, log_an_error, missing) == 0
    for thread in threads:
        assert libc.pthread_join(thread, None) == 0
    assert len(seen) == len(threads)
    assert all(level == core.LogLevel.ERROR and missing.decode() in line for _, level, line in seen)
    assert threading.get_native_id() not in {thread for thread, _, _ in seen}


def test_callbacks_of_the_public_functions(core, sink, load, model_path):
    """llama_log_set() and Llama(verbose=) from several threads leave a consistent setting."""
    import llama_cpp

    done = threading.Event()
    seen = []

    @llama_cpp.llama_log_callback
    def callback(level, text, user_data):
        seen.append(text)

    def change():
        llama_cpp.llama_log_set(callback, None)
        llama_cpp.llama_log_set(None)

    def work():
        for _ in range(5):
            load(model_path).close()

    together(until(done, change), then_set(done, work), work)
    assert all(isinstance(text, bytes) for text in seen)
    llama_cpp.llama_log_set(callback, None)
    seen.clear()
    load(model_path).close()
    assert seen
    llama_cpp.llama_log_set(None)
    seen.clear()
    load(model_path).close()
    assert seen == []
