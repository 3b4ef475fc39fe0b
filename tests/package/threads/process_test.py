"""Whole processes: the GIL after import, importing, exiting and forking with threads around."""

from __future__ import annotations

import sys
import sysconfig

import pytest

FREE_THREADED = sysconfig.get_config_var("Py_GIL_DISABLED") == 1

# Shared by the programs below.
HEADER = """
import sys, threading
def start(*functions, daemon=False):
    threads = [threading.Thread(target=function, daemon=daemon) for function in functions]
    for thread in threads:
        thread.start()
    return threads
"""


def assert_clean(done):
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.mark.skipif(not FREE_THREADED, reason="this interpreter always has the GIL")
@pytest.mark.parametrize("setting", [None, "0"])
def test_the_gil_stays_off(run_python, model_path, setting):
    """With PYTHON_GIL=0 it would stay off in any case; without, the module has to say so."""
    code = """
import sys
assert not sys._is_gil_enabled()
import llama_cpp
assert not sys._is_gil_enabled(), "importing llama_cpp turned the GIL on"
llm = llama_cpp.Llama(sys.argv[1], n_ctx=128, n_threads=1, verbose=False)
llm("In the beginning", max_tokens=2)
assert not sys._is_gil_enabled(), "using llama_cpp turned the GIL on"
"""
    done = run_python(code, model_path, options=("-W", "error"), env={"PYTHON_GIL": setting})
    assert_clean(done)


def test_importing_warns_of_nothing(run_python):
    assert_clean(run_python("import llama_cpp; llama_cpp.Llama", options=("-W", "error")))


def test_importing_in_many_threads(run_python):
    """Every thread gets the same finished objects, whichever name it asks for first."""
    code = (
        HEADER
        + """
names = ["Llama", "LlamaGrammar", "LlamaRAMCache", "llama_chat_format", "llama_types", "json",
         "LlamaTokenizer", "llama_log_set", "BusyError", "Jinja2ChatFormatter", "_internals",
         "llama_speculative"]
found = {}
barrier = threading.Barrier(len(names))
def look_up(i):
    barrier.wait()
    import llama_cpp
    for name in names[i:] + names[:i]:
        value = getattr(llama_cpp, name, None) or getattr(llama_cpp.llama_chat_format, name)
        found.setdefault(name, set()).add(id(value))
for thread in start(*(lambda i=i: look_up(i) for i in range(len(names)))):
    thread.join()
assert found.keys() == set(names), found.keys()
assert all(len(ids) == 1 for ids in found.values()), found
"""
    )
    assert_clean(run_python(code))


def test_importing_imports_every_package_inside_and_no_module_of_them(run_python):
    """A package that two threads import first may be missing in sys.modules for one of them."""
    code = """
import pkgutil, sys
import llama_cpp
packages = {module.name for module in pkgutil.iter_modules(llama_cpp.__path__) if module.ispkg}
packages -= {"server", "_pyinstaller"}  # not of the library: programs import these
assert packages > {"_capi"}, packages
missing = {name for name in packages if f"llama_cpp.{name}" not in sys.modules}
assert not missing, missing
packages.remove("_backends")  # it loads the libraries
inside = tuple(f"llama_cpp.{name}." for name in packages)
imported = [name for name in sys.modules if name.startswith(inside)]
assert not imported, imported
"""
    assert_clean(run_python(code))


def test_importing_each_module_in_a_thread_of_its_own(run_python):
    code = (
        HEADER
        + """
import importlib, pkgutil
import llama_cpp
names = [module.name for module in pkgutil.iter_modules(llama_cpp.__path__, "llama_cpp.")
         if not module.name.endswith(("__main__", ".server"))]  # needs the extra [server]
barrier = threading.Barrier(len(names))
def load(name):
    barrier.wait()
    importlib.import_module(name)
for thread in start(*(lambda name=name: load(name) for name in names)):
    thread.join()
assert set(names) <= sys.modules.keys()
assert llama_cpp.Llama is sys.modules["llama_cpp.llama"].Llama
"""
    )
    assert_clean(run_python(code))


def test_exit_while_daemon_threads_generate(run_python, model_path):
    code = (
        HEADER
        + """
import llama_cpp
llms = [llama_cpp.Llama(sys.argv[1], n_ctx=128, n_threads=1, verbose=False) for _ in range(3)]
begun = threading.Semaphore(0)
def generate(llm):
    while True:
        for chunk in llm("In the beginning", max_tokens=40, stream=True):
            begun.release()
def load():
    while True:
        llama_cpp.Llama(sys.argv[1], n_ctx=128, verbose=False)
start(*(lambda llm=llm: generate(llm) for llm in llms), load, daemon=True)
for _ in range(20):
    begun.acquire()
"""
    )
    for _ in range(3):
        assert_clean(run_python(code, model_path))


def test_exit_while_daemon_threads_log(run_python, model_path):
    code = (
        HEADER
        + """
import llama_cpp
logged = threading.Semaphore(0)
@llama_cpp.llama_log_callback
def callback(level, text, user_data):
    logged.release()
# CPython 3.13t itself can hang at exit while a daemon thread imports a module for the first time.
llama_cpp.Llama(sys.argv[1], n_ctx=128, verbose=False)
llama_cpp.llama_log_set(callback, None)
def load():
    while True:
        llama_cpp.Llama(sys.argv[1], n_ctx=128, verbose=False)
start(load, load, load, daemon=True)
for _ in range(300):
    logged.acquire()
"""
    )
    for _ in range(3):
        assert_clean(run_python(code, model_path))


def test_exit_waits_for_ordinary_threads(run_python, model_path):
    code = (
        HEADER
        + """
import llama_cpp
llm = llama_cpp.Llama(sys.argv[1], n_ctx=128, n_threads=1, verbose=False)
start(lambda: print(llm("In the beginning", max_tokens=8, temperature=0)["choices"][0]["text"]))
"""
    )
    done = run_python(code, model_path)
    assert_clean(done)
    assert done.stdout.strip()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_fork_while_nothing_runs(run_python, model_path):
    """The child goes on with the parent's objects; other threads must not be in native code."""
    code = (
        HEADER
        + """
import os, time
import llama_cpp
llm = llama_cpp.Llama(sys.argv[1], n_ctx=128, n_threads=1, n_threads_batch=1, verbose=False)
def text(llm):
    return llm("In the", max_tokens=2, temperature=0)["choices"][0]["text"]
expected = text(llm)
# Python warns of threads, also of one that has been joined and is about to end.
deadline = time.monotonic() + 5
while time.monotonic() < deadline and len(os.listdir("/proc/self/task")) > 1:
    time.sleep(0.01)
child = os.fork()
if child == 0:
    same = text(llm) == expected
    texts = []
    own = llama_cpp.Llama(sys.argv[1], n_ctx=128, n_threads=1, verbose=False)
    for thread in start(lambda: texts.append(text(own)), lambda: texts.append(text(llm))):
        thread.join()
    sys.exit(0 if same and texts == [expected] * 2 else 3)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert text(llm) == expected
"""
    )
    assert_clean(run_python(code, model_path))


def test_the_interpreter_is_named(record_property):
    """For the log: which interpreter this suite has run on."""
    gil = "GIL" if not FREE_THREADED else "no GIL" if not sys._is_gil_enabled() else "GIL forced on"
    print(f"\n{sys.implementation.name} {sys.version} ({gil})")
    assert FREE_THREADED == (sysconfig.get_config_var("EXT_SUFFIX").split("-")[1][-1:] == "t")
