"""The build backend of pyproject.toml: hooks for pip, uv and `build` (PEP 517, PEP 660).

Everything is built by the same Bazel graph as `./bazelw build //:wheel`. docs/installing.md
describes the settings of `-C` and the caches of pip and uv. Standard library only, for every Python
that a wheel is built for.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Any, Callable, Mapping, Optional

from . import bazel, editable, metadata, sdist, settings
from .errors import BuildError
from .project import Project

_ConfigSettings = Optional[Mapping[str, Any]]
_PROJECT = Project(Path(__file__).resolve().parents[2])


def _hook(function: Callable[..., Any]) -> Callable[..., Any]:
    """Ends with one sentence instead of a traceback where the error is one that we foresaw."""

    @functools.wraps(function)
    def run(*arguments: Any, **keywords: Any) -> Any:
        try:
            return function(*arguments, **keywords)
        except BuildError as error:
            raise SystemExit(f"llama-cpp-python: {error}") from error

    return run


@_hook
def build_wheel(
    wheel_directory: str,
    config_settings: _ConfigSettings = None,
    metadata_directory: Optional[str] = None,
) -> str:
    """Builds a wheel with Bazel; returns its file name."""
    return _build(config_settings, Path(wheel_directory)).name


@_hook
def build_editable(
    wheel_directory: str,
    config_settings: _ConfigSettings = None,
    metadata_directory: Optional[str] = None,
) -> str:
    """Builds a wheel that takes its Python from this source tree; returns its file name."""
    with tempfile.TemporaryDirectory() as folder:
        wheel = _build(config_settings, Path(folder))
        editable.make_editable(wheel, _PROJECT.root, Path(wheel_directory, wheel.name))
        return wheel.name


@_hook
def build_sdist(sdist_directory: str, config_settings: _ConfigSettings = None) -> str:
    """Packs the sources; returns the file name. Settings are about wheels, but wrong ones are
    refused here already."""
    settings.parse(config_settings, _PROJECT)
    return sdist.write(_PROJECT, Path(sdist_directory)).name


@_hook
def prepare_metadata_for_build_wheel(
    metadata_directory: str, config_settings: _ConfigSettings = None
) -> str:
    """Writes METADATA without building anything; returns the name of its directory."""
    chosen = settings.parse(config_settings, _PROJECT)
    return metadata.write_dist_info(_PROJECT, chosen, Path(metadata_directory)).name


prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel


def get_requires_for_build_wheel(config_settings: _ConfigSettings = None) -> list[str]:
    """Returns the requirements to install first: none, bazelw brings everything."""
    return []


get_requires_for_build_editable = get_requires_for_build_wheel
get_requires_for_build_sdist = get_requires_for_build_wheel


def _build(config_settings: _ConfigSettings, folder: Path) -> Path:
    chosen = settings.parse(config_settings, _PROJECT)
    return bazel.build_wheel(_PROJECT, chosen, metadata.version(_PROJECT, chosen), folder)
