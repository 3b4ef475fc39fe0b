"""Config files: JSON, or YAML where PyYAML is installed."""

from __future__ import annotations

import json
import os
from typing import Any, List, Mapping, Optional, Tuple

from .._engine import paths
from .settings import ConfigFileSettings, ModelSettings, ServerSettings

# Settings whose environment variables are above the file, as in llama-cpp-python.
_ABOVE = ("host", "port")


def read_config(
    path: str, options: Optional[Mapping[str, Any]] = None
) -> Tuple[ServerSettings, List[ModelSettings]]:
    """Returns the settings of a file.

    Args:
        path: of the file.
        options: settings of the server that are above it.

    Raises:
        ValueError: it cannot be read, or has a setting that is unknown or wrong.
        ImportError: it is YAML, and PyYAML is not installed.
    """
    content = _content(path)
    if not isinstance(content, dict):
        raise ValueError(
            f"The config file {paths.shown(path)} is no object of settings\n"
            'Write {"host": "localhost", "models": [{"model": "model.gguf"}]}.'
        )
    for name in _ABOVE:
        if os.environ.get(name.upper()):
            content.pop(name, None)
    settings = ConfigFileSettings(**{**content, **(options or {})})
    if not settings.models:
        raise ValueError(
            f"The config file {paths.shown(path)} has no models\n"
            'Write "models": [{"model": "model.gguf"}].'
        )
    return settings, settings.models


def _content(path: str) -> Any:
    try:
        text = paths.read_text(path)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"The config file {paths.shown(path)} cannot be read: {error}\n"
            "Pass the path of a JSON or YAML file."
        ) from error
    if not path.endswith((".yaml", ".yml")):
        try:
            return json.loads(text)
        except ValueError as error:
            raise ValueError(
                f"The config file {paths.shown(path)} is no JSON: {error}\n"
                "Correct it there, or call the file .yaml if it is YAML."
            ) from error
    try:
        import yaml
    except ImportError:
        raise ImportError(
            f"The config file {paths.shown(path)} is YAML, which needs PyYAML\npip install pyyaml"
        ) from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(
            f"The config file {paths.shown(path)} is no YAML: {error}\nCorrect it there."
        ) from error
