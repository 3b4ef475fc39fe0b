"""The interpreter that runs the build: its ABI, and its place outside of virtual environments."""

from __future__ import annotations

import os
import sys
import sysconfig


def abi() -> str:
    """Returns the ABI tag, such as `cp313t`; where it is not CPython, its own name for itself."""
    if sys.implementation.name != "cpython":
        return sys.implementation.cache_tag or sys.implementation.name
    threads = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    return f"cp{sys.version_info[0]}{sys.version_info[1]}{threads}"


def executable() -> str:
    """Returns the interpreter itself: a build environment is gone tomorrow, and its path would be a
    new cache key."""
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


def environment_folder() -> str:
    """Returns the directory of executables of the build's environment, or an empty string."""
    return os.path.dirname(sys.executable) if sys.prefix != sys.base_prefix else ""


def has_pip() -> bool:
    """Returns whether the environment has pip: a user's has, one made by uv or `build` has not."""
    return os.path.isdir(os.path.join(sysconfig.get_path("purelib"), "pip"))
