"""The report of the loader: which backends it found, loaded and refused, and why."""

from __future__ import annotations

from .. import _build_info

SINGLE_CPU = "default"  # the variant name of a library called just libggml-cpu.so

# As ggml calls a backend's library -> as everybody else calls it.
_NAMES = {row["ggml_name"]: name for name, row in _build_info.ACCELERATORS.items()}


class Report:
    """The loader's findings, actions and reasons."""

    def __init__(self) -> None:
        self.variant = ""  # name of the loaded CPU variant; "" when none is loaded
        self.library = ""  # its file
        self.reason = ""  # one of: forced, remembered, checked, only one, built in, baseline
        self.scores: dict[str, int] = {}  # variant -> score on this CPU; 0 = cannot run
        # variant -> "TYPE TOKENS" of a product -> microseconds
        self.times: dict[str, dict[str, float]] = {}
        self.checks: dict[str, str] = {}  # variant -> the result of the probe's check
        self.rejected: dict[str, str] = {}  # variant -> why it was not used
        self.backends: list[dict[str, str]] = []  # of accelerators; see backend_entry()
        self.errors: list[str] = []  # why no CPU backend could be loaded
        self.cache_file = ""

    def message(self) -> str:
        return "llama.cpp has no CPU backend to run on: " + "\n".join(self.errors)


report = Report()


def backend_loaded() -> bool:
    """Whether calling into llama.cpp is safe."""
    return bool(report.variant)


def require_cpu() -> None:
    """Raises BackendError with the reasons unless a CPU backend is loaded."""
    if not report.variant:
        from .._errors import BackendError

        raise BackendError(report.message())


def backend_entry(name: str, origin: str, library: str) -> dict[str, str]:
    """Returns the report's entry of one library with a backend, before it is loaded.

    ``state`` becomes one of loaded, failed, refused (a plug-in that does not belong to this build)
    and unused (the backend is there already), ``reason`` says why. ``registry`` is ggml's name
    of the backend.
    """
    return {
        "backend": _NAMES.get(name, name),
        "origin": origin,
        "library": library,
        "state": "",
        "reason": "",
        "registry": "",
    }


def warn(message: str) -> None:
    """Warns of a problem that llama_cpp works around."""
    import warnings

    warnings.warn(message, RuntimeWarning, stacklevel=2)
