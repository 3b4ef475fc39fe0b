"""Imports every module of the package without the names that only POSIX has; prints directories.

Prints those that os.add_dll_directory(), here a stand-in, was given, and whether they were closed.
"""

from __future__ import annotations

import builtins
import contextlib
import json
import os
import pkgutil
import signal
import sys

# Python's documentation, `Unix-specific services` and the availability notes of its modules.
_MODULES = {
    "_posixsubprocess",
    "fcntl",
    "grp",
    "posix",
    "pty",
    "pwd",
    "readline",
    "resource",
    "syslog",
    "termios",
    "tty",
}
_OF_OS = ("RTLD_GLOBAL", "RTLD_LOCAL", "RTLD_NOW", "getuid", "killpg", "sched_getaffinity")
_OF_SIGNAL = ("SIGALRM", "SIGHUP", "SIGKILL", "SIGUSR1", "pthread_sigmask")
_OF_SYS = ("getdlopenflags", "setdlopenflags")
# They need packages that not every user has.
_OPTIONAL = (
    "llama_cpp.__main__",
    "llama_cpp._chat.jinja_extension",
    "llama_cpp._pyinstaller",
    "llama_cpp.server",
)

given: list[str] = []
closed: list[str] = []


@contextlib.contextmanager
def _add_dll_directory(directory: str):
    given.append(directory)
    yield
    closed.append(directory)


def _refuse_posix() -> None:
    """Makes imports by llama_cpp, and attributes for everybody, those of Windows."""
    original = builtins.__import__

    def guarded(name, globals=None, *rest, **more):
        if str((globals or {}).get("__name__")).startswith("llama_cpp") and name in _MODULES:
            raise ModuleNotFoundError(f"{name} is a module of POSIX alone", name=name)
        return original(name, globals, *rest, **more)

    builtins.__import__ = guarded
    for module, names in ((os, _OF_OS), (signal, _OF_SIGNAL), (sys, _OF_SYS)):
        for name in names:
            vars(module).pop(name, None)
    os.add_dll_directory = _add_dll_directory


def main() -> None:
    import numpy  # noqa: F401  # its own use of these names is no concern of this test

    _refuse_posix()
    import llama_cpp

    names = [module.name for module in pkgutil.walk_packages(llama_cpp.__path__, "llama_cpp.")]
    modules = [name for name in names if not name.startswith(_OPTIONAL)]
    for name in modules:
        __import__(name)
    print(json.dumps({"closed": closed, "given": given, "modules": modules}))


main()
