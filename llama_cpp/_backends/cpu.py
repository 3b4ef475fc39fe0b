"""Loads one CPU backend: the forced one, the remembered one, or the fastest that is right."""

from __future__ import annotations

import os

from .. import _build_info
from .memory import Facts, Memory, no_facts
from .native import LIB_DIR, _core
from .report import SINGLE_CPU, report, warn

FORCE_VARIABLE = "LLAMA_CPP_CPU_VARIANT"


def load_cpu(libraries: dict[str, str]) -> None:
    """Loads one of `libraries` (variant -> file) unless a CPU is built in. Never raises."""
    if _has_cpu():
        report.variant, report.reason = SINGLE_CPU, "built in"
    else:
        _load_one(libraries)


def _has_cpu() -> bool:
    return any(device["type"] == "cpu" for device in _core.devices())


def _load_one(libraries: dict[str, str]) -> None:
    forced = os.environ.get(FORCE_VARIABLE, "").strip()
    if not libraries:
        report.errors.append(
            f"{LIB_DIR} holds no CPU backend (libggml-cpu*.so). The installation is incomplete:"
            " reinstall with `pip install --force-reinstall llama-cpp-python`."
        )
    elif forced and forced not in libraries:
        report.errors.append(
            f"{FORCE_VARIABLE}={forced} names no CPU variant of this build. Set it to one of"
            f" {', '.join(libraries)}, or unset it to have the best one chosen."
        )
    elif forced:
        _load_forced(forced, libraries)
    else:
        _load_best(libraries)


def _load_forced(name: str, libraries: dict[str, str]) -> None:
    from .probe import examine

    memory = Memory()
    known = memory.read()
    try:
        if name not in known["checks"]:
            examine({name: libraries[name]}, known)
            memory.write(known)
    except OSError:  # the probe cannot be run: try the forced variant unchecked
        pass
    if known["scores"].get(name) == 0:
        known["rejected"][name] = "this CPU lacks instructions that it needs"
    _show(known)
    reason = known["rejected"].get(name) or _register(name, libraries[name], "forced")
    if reason:
        report.rejected[name] = reason
        report.errors.append(
            f"{FORCE_VARIABLE}={name} cannot run on this machine: {reason}. Unset it to have the"
            f" best variant chosen, or set it to another of {', '.join(libraries)}."
        )


def _load_best(libraries: dict[str, str]) -> None:
    memory = Memory()
    known = memory.read()
    name = known["variant"]
    if name in libraries and not _register(name, libraries[name], "remembered"):
        _show(known)
        return
    from .probe import examine

    known = no_facts()
    try:
        known["variant"] = examine(
            libraries, known, lambda name: _register(name, libraries[name], "checked")
        )
    except OSError:
        _load_unchecked(libraries)
        return
    _show(known)
    if not known["variant"]:
        report.errors.append(_nothing_fits(known))
        return
    memory.write(known)
    if known["rejected"]:
        warn(
            f"llama.cpp's fastest CPU code does not work on this machine ({_failures(known)})."
            f" Using the variant {known['variant']!r} instead; it is remembered for next time."
            " `python -m llama_cpp info` shows the details."
        )


def _load_unchecked(libraries: dict[str, str]) -> None:
    """Loads, if the probe cannot be run, the variant that needs least of the CPU."""
    name = _weakest(libraries)
    failure = _register(name, libraries[name], "only one" if len(libraries) == 1 else "baseline")
    if failure:
        report.errors.append(f"the CPU variant {name!r} cannot be used: {failure}")
    elif len(libraries) > 1:
        from .probe import probe_file

        warn(
            f"llama.cpp runs its slowest CPU code ({name!r}): the program that finds the best one,"
            f" {probe_file()}, cannot be run here. Make it executable, or name a variant with"
            f" {FORCE_VARIABLE}."
        )


def _weakest(libraries: dict[str, str]) -> str:
    """Returns the variant that needs least of the CPU: the build lists them from the weakest up."""
    return next((name for name in _build_info.CPU_VARIANTS if name in libraries), min(libraries))


def _register(name: str, path: str, reason: str) -> str:
    """Loads one CPU library into this process; returns the reason if that failed, else ""."""
    try:
        _core.load_backend(path)
    except Exception as error:  # BackendError, but a broken file must never break the import
        return f"it does not load: {error}"
    if not _has_cpu():
        return "it loaded, but registered no CPU device"
    report.variant, report.library, report.reason = name, path, reason
    return ""


def _show(known: Facts) -> None:
    report.scores.update(known["scores"])
    report.times.update(known["times"])
    report.checks.update(known["checks"])
    report.rejected.update(known["rejected"])


def _failures(known: Facts) -> str:
    return "; ".join(f"{name}: {why}" for name, why in known["rejected"].items())


def _nothing_fits(known: Facts) -> str:
    if known["rejected"]:
        return (
            "every CPU variant that this CPU announces support for failed"
            f" ({_failures(known)})."
            " Reinstall with `pip install --force-reinstall llama-cpp-python`; if that does not"
            " help, report it with the output of `python -m llama_cpp info`."
        )
    return (
        f"this CPU supports none of the variants {', '.join(known['scores'])}."
        " Build a wheel for it from source."
    )
