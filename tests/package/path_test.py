"""Paths: any bytes that the file system allows, str, bytes or pathlib; and hostile ones."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import llama_cpp
from llama_cpp import Llama, LlamaGrammar

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="names that are no text, and Linux's special files"
)

N_HOSTILE = 200
LONGEST_S = 10

# Not UTF-8; with a newline; in another script; with characters special to shells and printf.
NAMES = [b"latin\xe9", b"\xff\xfe", b"line\nfeed", "модель".encode(), b"%s%n $(id) '\""]
FORMS = {
    "str": os.fsdecode,
    "bytes": os.fsencode,
    "path": lambda name: Path(os.fsdecode(name)),
}


@pytest.fixture(params=NAMES, ids=ascii)
def named(request, tmp_path):
    """Returns a directory, as bytes, of this name; skips where the file system refuses it."""
    folder = os.fsencode(tmp_path) + b"/" + request.param
    try:
        os.mkdir(folder)
    except OSError as error:
        pytest.skip(f"no such names here: {error}")
    return folder + b"/" + request.param


@pytest.mark.parametrize("form", FORMS)
def test_a_model_of_any_name(named, form, model_path):
    shutil.copy(model_path, named)
    llm = Llama(FORMS[form](named), n_ctx=64, n_threads=1, verbose=False)
    assert llm.model_path == os.fsdecode(named)
    assert llm.model.path == os.fsdecode(named)
    answer = llm("In the beginning", max_tokens=2)
    assert answer["model"] == os.fsdecode(named)
    json.dumps(answer)


@pytest.mark.parametrize("form", FORMS)
def test_quantizing_from_and_to_any_name(named, form, random_models):
    source, target = named + b".in", named + b".out"
    shutil.copy(random_models / "tied-f32.gguf", source)
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0
    llama_cpp.llama_model_quantize(FORMS[form](source), FORMS[form](target), params)
    assert Llama(FORMS[form](target), n_ctx=32, n_threads=1, verbose=False).n_vocab() == 512


@pytest.mark.parametrize("form", FORMS)
def test_a_grammar_of_any_name(named, form):
    with open(named, "w") as file:
        file.write('root ::= "a"')
    LlamaGrammar.from_file(FORMS[form](named))


@pytest.mark.parametrize("form", FORMS)
def test_an_adapter_of_any_name(named, form, model_path, random_models):
    shutil.copy(random_models / "lora-kjv-1.gguf", named)
    path = FORMS[form](named)
    llm = Llama(model_path, lora_path=path, n_ctx=32, n_threads=1, verbose=False)
    assert llm.load_lora(path) == os.path.basename(os.fsdecode(named))
    llm.set_loras({path: 1})
    assert len(llm.list_loras()) == 1


@pytest.mark.parametrize("form", FORMS)
def test_messages_can_be_printed(named, form):
    with pytest.raises(llama_cpp.ModelLoadError) as error:
        Llama(FORMS[form](named), verbose=False)
    str(error.value).encode("utf-8")


def test_a_grammar_out_of_a_pipe():
    reader, writer = os.pipe()
    os.write(writer, b'root ::= "a"')
    os.close(writer)
    try:
        LlamaGrammar.from_file(f"/dev/fd/{reader}")
    finally:
        os.close(reader)


@pytest.mark.parametrize("path", [1, None, 1.5, ["x"]], ids=repr)
def test_no_path_at_all(path):
    with pytest.raises(TypeError, match="path|bytes"):
        Llama(path, verbose=False)


@pytest.mark.parametrize(
    "path, message",
    [
        ("~/model.gguf", "expanduser"),
        ("a\0b.gguf", "NUL"),
        ("\ud800.gguf", "surrogate"),
        ("dangling", "link to nowhere"),
        ("loop", "[Ss]ymbolic links"),
        ("pipe", "not a regular file"),
        ("/dev/null", "not a regular file"),
        ("/proc/self/mem", "empty"),
        ("x" * 5000, "too long"),
        ("", "does not exist|empty"),
    ],
)
def test_each_bad_path_has_its_message(path, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.symlink("nowhere", "dangling")
    os.symlink("loop", "loop")
    os.mkfifo("pipe")
    with pytest.raises(llama_cpp.ModelLoadError, match=message):
        Llama(path, verbose=False)


# ---- hostile paths, in a child that is killed when it hangs

HOSTILE = """
import ctypes, json, os, sys, time
import llama_cpp
from llama_cpp import Llama, LlamaGrammar, _core
model = Llama(sys.argv[1], vocab_only=True, verbose=False).model
weights = _core.Model(sys.argv[1], _core.ModelParams())
params = llama_cpp.llama_model_quantize_default_params()
uses = {
    "model": lambda path: Llama(path, verbose=False),
    "core": lambda path: _core.Model(path, _core.ModelParams()),
    "adapter": lambda path: _core.LoraAdapter(weights, path),
    "input": lambda path: _core.quantize(path, "out.gguf", ctypes.addressof(params)),
    "backend": _core.load_backend,
    "grammar": LlamaGrammar.from_file,
}
def attempt(name, use, path):
    start = time.monotonic()
    try:
        use(path)
        answer = None
    except Exception as error:
        answer = f"{type(error).__name__}: {error}"
    seconds = time.monotonic() - start
    print(json.dumps([ascii(path)[:80], name, seconds, answer]), flush=True)
    return answer is None

listing = [json.loads(line) for line in open(sys.argv[2], encoding="utf-8")]
paths = [given["text"] if "text" in given else bytes(given["bytes"]) for given in listing]
for path in paths:
    for name, use in uses.items():
        attempt(name, use, path)
for path, given in zip(paths, listing):  # most odd names are fine for a new file
    if given["is_inside"]:
        address = ctypes.addressof(params)
        if attempt("output", lambda path: _core.quantize(sys.argv[1], path, address), path):
            os.remove(path)
"""


def hostile_paths(seed: int) -> list[str | bytes]:
    """Returns paths of every kind, from a generator; the special files are made by make_files()."""
    draw = random.Random(seed)
    special = ["dir", "dir/", "pipe", "dangling", "loop", "loop/x", "locked", "locked/x", "file/"]
    special += ["", ".", "..", "/", "~", "~root/x", "-", "--help", " ", "\n", "*", "CON", "NUL:"]
    special += ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/tty", "/dev/stdin"]
    special += [f"/proc/{name}" for name in ("kmsg", "kcore", "self/mem", "self/fd", "version")]
    special += ["/proc/self/pagemap", "/proc/self/exe", "/sys/kernel/notes", "/dev/fd/999"]

    def made_up() -> str | bytes:
        kind = draw.randrange(7)
        if kind == 0:
            return draw.choice(special)
        if kind == 1:
            return "x" * draw.choice([255, 256, 4095, 4096, 4097, 100_000])
        if kind == 2:
            return "/".join(["dir", *[".."] * draw.randrange(50), draw.choice(special)])
        if kind == 3:
            return bytes(draw.randrange(1, 256) for _ in range(draw.randrange(1, 60)))
        if kind == 4:
            return "a\0" + draw.choice(["", ".gguf", "\0" * 100])
        if kind == 5:
            return "".join(chr(draw.randrange(0xD800, 0xE000)) for _ in range(draw.randrange(1, 9)))
        return draw.choice(["http://", "file://", "hf:", "\\\\?\\", "//", "./" * 500]) + "x.gguf"

    return [*special, *(made_up() for _ in range(N_HOSTILE - len(special)))]


def make_files(folder: Path) -> None:
    (folder / "dir").mkdir()
    (folder / "file").write_text("text")
    (folder / "locked").mkdir(mode=0o500)
    os.mkfifo(folder / "pipe")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "loop").symlink_to("loop")


def is_inside(path: str | bytes) -> bool:
    """Returns whether the path stays inside of the working directory, where one may write."""
    return not os.path.isabs(path) and (".." if isinstance(path, str) else b"..") not in path


def test_hostile_paths(tmp_path, model_path):
    paths = hostile_paths(seed=13)
    assert len(paths) == N_HOSTILE
    work = tmp_path / "work"
    work.mkdir()
    make_files(work)
    listing = tmp_path / "paths.jsonl"
    with open(listing, "w", encoding="utf-8") as file:
        for path in paths:
            given = {"text": path} if isinstance(path, str) else {"bytes": list(path)}
            file.write(json.dumps({**given, "is_inside": is_inside(path)}) + "\n")
    done = subprocess.run(
        [sys.executable, "-c", HOSTILE, model_path, str(listing)],
        capture_output=True,
        cwd=work,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, (done.returncode, done.stdout[-500:], done.stderr[-2000:])
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == 6 * N_HOSTILE + sum(map(is_inside, paths))
    assert max(seconds for _, _, seconds, _ in answers) < LONGEST_S
    silent = [answer for answer in answers if answer[3] is None and answer[1] != "output"]
    assert not silent
    uncalled = [answer for answer in answers if "incompatible function" in str(answer[3])]
    assert not uncalled
    vague = [answer for answer in answers if answer[3] is not None and len(answer[3]) < 25]
    assert not vague


def test_ctrl_c_while_a_silent_pipe_is_read(tmp_path):
    """Somebody holds the pipe open and writes nothing: waiting is right, and ends by Ctrl-C."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = os.open(pipe, os.O_RDWR)
    code = "import sys, llama_cpp; print('ready', flush=True);"
    code += "llama_cpp.LlamaGrammar.from_file(sys.argv[1])"
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(pipe)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert child.stdout.readline() == b"ready\n"
        time.sleep(1)
        assert child.poll() is None
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=60)
        assert child.returncode == -signal.SIGINT
    finally:
        os.close(writer)
        child.kill()
