"""Loads the native backends, once, when ``llama_cpp`` is imported.

The wheel carries one CPU backend per instruction-set level (``lib/libggml-cpu-<variant>.so``).
Exactly one of them is loaded:

1. ``LLAMA_CPP_CPU_VARIANT=<variant>`` forces one.
2. Else the choice remembered for this machine and these very files is taken.
3. Else ``lib/ggml-cpu-probe`` scores all variants for this CPU, and checks them from the best score
   down by computing a small quantised matrix product. Both run in a child process, so a CPU that
   announces an instruction it cannot execute, or a miscompiled library, kills the child and not
   the program. The first variant that passes is loaded and remembered.

Whatever goes wrong, importing succeeds: the reasons are kept in :data:`report`, shown by
``python -m llama_cpp info``, and raised as ``BackendError`` by the first use that needs a backend.
That also holds for a forced variant that is unknown or cannot run here.

The accelerators' backends come next: those of the package, then those of plug-ins, which are
distributions called ``llama-cpp-backend-*`` (:mod:`llama_cpp._plugins`). One that does not load costs
one warning, not the CPU.

Beside those only the package's own ``lib`` folder is searched. llama.cpp itself searches the working
directory while its registry is empty, so nothing in this package calls into it before
:func:`require_backend` or :func:`backend_loaded` said yes.

This module runs at every import, so it imports only what it needs at the moment.
"""

from __future__ import annotations

import os
import re
import sys

from . import _build_info


def _import_core():
    """Imports the native module, whose symbols stay out of the global scope whatever flags the program has set.

    Other packages' llama.cpp would take them there, as ours would take theirs.
    """
    flags = sys.getdlopenflags() if hasattr(sys, "getdlopenflags") else None
    if flags is not None:
        sys.setdlopenflags(flags & ~os.RTLD_GLOBAL)
    try:
        from . import _core
    except ImportError as error:
        from ._foreign import explain

        raise explain(error) from None
    finally:
        if flags is not None:
            sys.setdlopenflags(flags)
    return _core


_core = _import_core()

# Beside the native module, which is not beside this file in an editable installation.
LIB_DIR = os.path.join(os.path.dirname(os.path.abspath(_core.__file__)), "lib")
FORCE_VARIABLE = "LLAMA_CPP_CPU_VARIANT"
REQUIRE_VARIABLE = "LLAMA_CPP_REQUIRE_BACKEND"
PROBE_TIMEOUT_S = 20

_LIBRARY = re.compile(r"^(?:lib)?ggml-(?P<name>.+)\.(?:so|dll)$")
_CPU = re.compile(r"^cpu(?:-(?P<variant>.+))?$")
_SINGLE_CPU = "default"  # the variant name of a library called just libggml-cpu.so

_NAMES = {"hip": "rocm"}  # as ggml calls a backend's library -> as everybody else calls it
_PLUGIN_PREFIX = "llama_cpp_backend_"  # of their .dist-info folders


class Report:
    """What the loader found, did and why."""

    def __init__(self) -> None:
        self.variant = ""  # name of the loaded CPU variant; "" when none is loaded
        self.library = ""  # its file
        self.reason = ""  # one of: forced, remembered, checked, only one, built in, baseline
        self.scores: dict[str, int] = {}  # variant -> score on this CPU; 0 = cannot run
        self.checks: dict[str, str] = {}  # variant -> what the probe's check said
        self.rejected: dict[str, str] = {}  # variant -> why it was not used
        self.backends: list[dict[str, str]] = []  # of accelerators; see backend_entry()
        self.errors: list[str] = []  # why no CPU backend could be loaded
        self.cache_file = ""

    def message(self) -> str:
        return "llama.cpp has no CPU backend to run on: " + "\n".join(self.errors)


report = Report()
_satisfied: set[str] = set()  # values of LLAMA_CPP_REQUIRE_BACKEND that hold


def backend_loaded() -> bool:
    """Whether calling into llama.cpp is safe."""
    return bool(report.variant)


def require_backend() -> None:
    """Raise BackendError with the reasons unless a CPU backend is loaded.

    Also unless the backend that LLAMA_CPP_REQUIRE_BACKEND names has a device.
    """
    if not report.variant:
        from ._errors import BackendError

        raise BackendError(report.message())
    required = os.environ.get(REQUIRE_VARIABLE, "").strip()
    if required and required not in _satisfied:
        from ._backends import require

        require(required, f"{REQUIRE_VARIABLE}={required}: ")
        _satisfied.add(required)


def load() -> None:
    """Load one CPU backend and every accelerator backend of this build. Never raises."""
    cpu, accelerators = _libraries()
    if _has_cpu():
        report.variant, report.reason = _SINGLE_CPU, "built in"
    else:
        _load_cpu(cpu)
    if report.variant:
        _load_accelerators(accelerators)


def cpu_variants() -> dict[str, str]:
    """CPU variants of this installation: name -> file."""
    return _libraries()[0]


def _libraries() -> tuple[dict[str, str], dict[str, str]]:
    cpu, accelerators = {}, {}
    try:
        files = sorted(os.listdir(LIB_DIR))
    except OSError:
        files = []
    for file in files:
        match = _LIBRARY.match(file)
        if not match or match["name"] == "base":
            continue
        path = os.path.join(LIB_DIR, file)
        is_cpu = _CPU.match(match["name"])
        if is_cpu:
            cpu[is_cpu["variant"] or _SINGLE_CPU] = path
        else:
            accelerators[match["name"]] = path
    return cpu, accelerators


def _has_cpu() -> bool:
    return any(device["type"] == "cpu" for device in _core.devices())


def _load_cpu(libraries: dict[str, str]) -> None:
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
    cache = _Cache()
    known = cache.read()
    try:
        if name not in known["checks"]:
            _examine({name: libraries[name]}, known)
            cache.write(known)
    except OSError:  # the probe cannot be run: what was asked for is tried
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
    cache = _Cache()
    known = cache.read()
    name = known["variant"]
    if name in libraries and not _register(name, libraries[name], "remembered"):
        _show(known)
        return
    known = _no_facts()
    try:
        known["variant"] = _examine(libraries, known, register=True)
    except OSError:
        _load_unchecked(libraries)
        return
    _show(known)
    if not known["variant"]:
        report.errors.append(_nothing_fits(known))
        return
    cache.write(known)
    if known["rejected"]:
        _warn(
            f"llama.cpp's fastest CPU code does not work on this machine ({_failures(known)})."
            f" Using the variant {known['variant']!r} instead; it is remembered for next time."
            " `python -m llama_cpp info` shows the details."
        )


def _load_unchecked(libraries: dict[str, str]) -> None:
    """The probe cannot be run: load the variant that needs least of the CPU."""
    name = _weakest(libraries)
    failure = _register(name, libraries[name], "only one" if len(libraries) == 1 else "baseline")
    if failure:
        report.errors.append(f"the CPU variant {name!r} cannot be used: {failure}")
    elif len(libraries) > 1:
        _warn(
            f"llama.cpp runs its slowest CPU code ({name!r}): the program that finds the best one,"
            f" {_probe_file()}, cannot be run here. Make it executable, or name a variant with"
            f" {FORCE_VARIABLE}."
        )


def _weakest(libraries: dict[str, str]) -> str:
    """The build lists its variants from the weakest up."""
    return next((name for name in _build_info.CPU_VARIANTS if name in libraries), min(libraries))


def _register(name: str, path: str, reason: str) -> str:
    """Load one CPU library into this process; returns "" or why it did not work."""
    try:
        _core.load_backend(path)
    except Exception as error:  # BackendError, but a broken file must never break the import
        return f"it does not load: {error}"
    if not _has_cpu():
        return "it loaded, but registered no CPU device"
    report.variant, report.library, report.reason = name, path, reason
    return ""


def _show(known: dict) -> None:
    report.scores.update(known["scores"])
    report.checks.update(known["checks"])
    report.rejected.update(known["rejected"])


def _warn(message: str) -> None:
    import warnings

    warnings.warn(message, RuntimeWarning, stacklevel=2)


def _failures(known: dict) -> str:
    return "; ".join(f"{name}: {why}" for name, why in known["rejected"].items())


def _nothing_fits(known: dict) -> str:
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


# ---- the probe: guarded child processes


def _no_facts() -> dict:
    """What is known about the variants: all empty. See :class:`Report`."""
    return {"variant": "", "scores": {}, "checks": {}, "rejected": {}}


def _examine(libraries: dict[str, str], known: dict, register: bool = False) -> str:
    """Score `libraries` and check them from the best down, until one passes (and loads).

    Adds what is found to `known`; returns the name of the one that passed, "" if none did.
    OSError when the probe cannot be run at all.
    """
    _score(libraries, known)
    usable = [name for name in libraries if known["scores"].get(name, 0) > 0]
    for name in sorted(usable, key=lambda name: -known["scores"][name]):
        failure, said = _run("check", libraries[name])
        known["checks"][name] = failure or said.strip()
        if not failure and register:
            failure = _register(name, libraries[name], "checked")
        if not failure:
            return name
        known["rejected"][name] = failure
    return ""


def _score(libraries: dict[str, str], known: dict) -> None:
    """Ask the probe for all scores at once; library by library when that child dies."""
    failure, said = _run("score", *libraries.values())
    if not failure:
        known["scores"].update(_parse_scores(said, libraries))
        return
    for name, path in libraries.items():
        failure, said = _run("score", path, timeout=PROBE_TIMEOUT_S / 4)
        if failure:
            known["rejected"][name] = failure
        else:
            known["scores"].update(_parse_scores(said, {name: path}))


def _parse_scores(said: str, libraries: dict[str, str]) -> dict[str, int]:
    files = {os.path.basename(path): name for name, path in libraries.items()}
    scores = dict.fromkeys(libraries, 0)
    for line in said.splitlines():
        name, _, score = line.rpartition(" ")
        name = files.get(os.path.basename(name), name)
        if name in scores and score.isdigit():
            scores[name] = int(score)
    return scores


def _probe_file() -> str:
    suffix = ".exe" if sys.platform == "win32" else ""
    return os.path.join(LIB_DIR, "ggml-cpu-probe" + suffix)


def _run(*arguments: str, timeout: float = 0) -> tuple[str, str]:
    """Run the probe; returns (what went wrong or "", its output). OSError if it cannot start."""
    import signal
    import subprocess

    timeout = timeout or PROBE_TIMEOUT_S
    try:
        child = subprocess.run(
            [_probe_file(), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            cwd=LIB_DIR,
        )
    except subprocess.TimeoutExpired:
        return f"its check did not end within {timeout:g} s", ""
    said = child.stdout.decode("utf-8", "replace")
    if child.returncode < 0:
        try:
            name = signal.Signals(-child.returncode).name
        except ValueError:
            name = f"signal {-child.returncode}"
        return f"its check was killed by {name}", said
    if child.returncode:
        words = said.strip() or child.stderr.decode("utf-8", "replace").strip()
        return f"its check failed: {words or f'exit status {child.returncode}'}", said
    return "", said


# ---- the remembered choice


_KEPT_CACHES = 32  # files of other builds, kernels and machines that share a home directory


class _Cache:
    """The facts found by the probe, kept per machine, kernel and build.

    Dates are no part of the key: a one-file program has new files at every start. Where they have changed, the facts hold if
    the digest of the chosen library does; where something was rejected, they don't: a damaged file may be a good one now.
    """

    def __init__(self) -> None:
        self.stamp = ""
        self.path = report.cache_file = self._find_path()

    def _find_path(self) -> str:
        folder = os.environ.get("XDG_CACHE_HOME", "")
        if not os.path.isabs(folder):
            folder = os.path.join(os.path.expanduser("~"), ".cache")
        if not os.path.isabs(folder):  # no home: nothing is remembered
            return ""
        return os.path.join(folder, "llama_cpp", f"cpu-variant-{self._key()}.json")

    def _key(self) -> str:
        from hashlib import sha256

        kernel = os.uname().release if hasattr(os, "uname") else sys.platform
        parts, dates = [_core.machine_id(), kernel], []
        for file in sorted(os.listdir(LIB_DIR)):
            stat = os.stat(os.path.join(LIB_DIR, file))
            digest = _build_info.NATIVE_DIGESTS.get(file, "")
            parts.append(f"{file} {digest} {stat.st_size}")
            dates.append(f"{file} {stat.st_mtime_ns}")
        self.stamp = sha256("\n".join(dates).encode()).hexdigest()[:32]
        return sha256("\n".join(parts).encode()).hexdigest()[:32]

    def read(self) -> dict:
        """Return what is remembered; nothing when there is no such file, or not a good one."""
        known = _no_facts()
        try:
            import json

            with open(self.path, encoding="utf-8") as file:
                stored = json.load(file)
            for key, empty in known.items():
                if not isinstance(stored[key], type(empty)):
                    return _no_facts()
                known[key] = stored[key]
            if stored["stamp"] != self.stamp and not _still_holds(known):
                return _no_facts()
        except (OSError, ValueError, KeyError, TypeError):
            return _no_facts()
        return known

    def write(self, known: dict) -> None:
        """Replace the file atomically. A cache that cannot be written is no cache, not an error."""
        if not self.path:
            return
        import json

        temporary = f"{self.path}.{os.getpid()}"
        try:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            with open(temporary, "w", encoding="utf-8") as file:
                json.dump({**known, "stamp": self.stamp}, file, indent=1, sort_keys=True)
            os.replace(temporary, self.path)
            _remove_oldest(os.path.dirname(self.path))
        except OSError:
            pass


def _still_holds(known: dict) -> bool:
    """Whether facts that were found for files of other dates are true of the files that are there."""
    path = cpu_variants().get(known["variant"], "")
    if known["rejected"] or not path:
        return False
    from hashlib import sha256

    with open(path, "rb") as file:
        digest = sha256(file.read()).hexdigest()
    return digest == _build_info.NATIVE_DIGESTS.get(os.path.basename(path))


def _remove_oldest(folder: str) -> None:
    """Leaves the newest files of this cache, and of writers that were interrupted."""
    files = [entry for entry in os.scandir(folder) if entry.name.startswith("cpu-variant-")]
    files.sort(key=lambda entry: -entry.stat().st_mtime)
    for entry in files[_KEPT_CACHES:]:
        os.unlink(entry.path)


# ---- accelerators


def backend_entry(name: str, origin: str, library: str) -> dict[str, str]:
    """What the report says of one library with a backend, before it is loaded.

    ``state`` becomes one of loaded, failed, refused (a plug-in that does not belong to this build)
    and unused (the backend is there already), ``reason`` says why. ``registry`` is what ggml calls
    the backend.
    """
    return {
        "backend": _NAMES.get(name, name),
        "origin": origin,
        "library": library,
        "state": "",
        "reason": "",
        "registry": "",
    }


def _load_accelerators(libraries: dict[str, str]) -> None:
    entries = [backend_entry(name, "this wheel", path) for name, path in libraries.items()]
    folders = _plugin_folders()
    if folders:
        from ._plugins import find_plugins

        entries += find_plugins(folders)
    loaded: dict[str, str] = {}
    for entry in entries:
        first = loaded.get(entry["backend"])
        if first:
            entry.update(state="unused", reason=f"{first} has this backend, too")
        elif not entry["state"] and _load_accelerator(entry):
            loaded[entry["backend"]] = entry["origin"]
    report.backends += entries
    for name in dict.fromkeys(entry["backend"] for entry in entries):
        if name not in loaded:
            from ._backends import problem_of

            _warn(
                f"llama.cpp runs without its {name} backend, on the CPU or what else there is:"
                f" {problem_of(name).message}"
            )


def _load_accelerator(entry: dict[str, str]) -> bool:
    """Load one library; a GPU that does not work must not take the CPU away."""
    try:
        entry["registry"], entry["reason"] = _core.load_backend(entry["library"])
        entry["state"] = "loaded"
    except Exception as error:
        entry.update(state="failed", reason=str(error))
    return entry["state"] == "loaded"


def _plugin_folders() -> list[str]:
    """The .dist-info folders of plug-ins.

    Importing importlib.metadata takes a hundred times as long, so that is for those who have some.
    """
    folders = []
    for place in sys.path:
        try:
            names = os.listdir(place)
        except OSError:
            continue
        folders += [
            os.path.join(place, name)
            for name in sorted(names)
            if name.startswith(_PLUGIN_PREFIX) and name.endswith(".dist-info")
        ]
    return folders
