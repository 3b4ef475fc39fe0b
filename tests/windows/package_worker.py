"""Runs in Python for Windows: package_worker.py MODEL PROMPT. Prints JSON."""

import importlib
import json
import os
import pkgutil
import shutil
import sys
import tempfile

import llama_cpp
from llama_cpp import Llama
from llama_cpp import llama_cpp as c_api
from llama_cpp._backends.remote import load_rpc

ODD = "Пользователь 用户 é"


def import_all():
    """Imports every module that needs no package beside the wheel's requirements."""
    names = [module.name for module in pkgutil.walk_packages(llama_cpp.__path__, "llama_cpp.")]
    skipped = (
        "llama_cpp.__main__",
        "llama_cpp._chat.jinja_extension",
        "llama_cpp._pyinstaller",
        "llama_cpp.server",
    )
    for name in names:
        if not name.startswith(skipped):
            importlib.import_module(name)
    return len(names)


def odd_path(model):
    """Loads, and quantises into, a directory with an odd name; returns the files in it."""
    with tempfile.TemporaryDirectory() as directory:
        folder = os.path.join(directory, ODD)
        os.mkdir(folder)
        copy = os.path.join(folder, "model %s.gguf")
        shutil.copy(model, copy)
        text = Llama(copy, n_ctx=64, n_gpu_layers=0, verbose=False).tokenize(b"In the beginning")
        return [len(text), sorted(os.listdir(folder))]


def rpc_error(model):
    """Returns the error for a server that does not exist: it comes from the opened backend."""
    load_rpc()
    try:
        Llama(model, rpc_servers="127.0.0.1:1", n_gpu_layers=-1, verbose=False)
    except Exception as error:
        return type(error).__name__
    return ""


def main():
    model, prompt = sys.argv[1:]
    llama = Llama(model, n_ctx=64, n_gpu_layers=0, verbose=False, n_threads=1)
    answer = llama.create_completion(prompt, max_tokens=16, temperature=0.0)
    chat = llama.create_chat_completion(
        messages=[{"role": "user", "content": "Who?"}], max_tokens=4, temperature=0.0
    )
    print(
        json.dumps(
            {
                "chat": chat["choices"][0]["message"]["role"],
                "modules": import_all(),
                "odd": odd_path(model),
                "rpc": rpc_error(model),
                "platform": llama_cpp._build_info.PLATFORM,
                "system": c_api.llama_print_system_info().decode(),
                "text": prompt + answer["choices"][0]["text"],
            }
        )
    )


main()
