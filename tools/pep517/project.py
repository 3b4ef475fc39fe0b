"""`Project`: the facts of the source tree, read from its Starlark tables without Bazel."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from . import starlark


@dataclasses.dataclass(frozen=True)
class Project:
    """A source tree.

    Attributes:
        root: Its root directory.
    """

    root: Path

    @property
    def metadata(self) -> dict[str, Any]:
        """Returns METADATA of every wheel, as attributes of the wheel rule."""
        table = starlark.constant(self._metadata_file, "METADATA")
        return {**table, "extra_requires": {**table["extra_requires"], **self._plugin_extras}}

    @property
    def _plugin_extras(self) -> dict[str, list[str]]:
        """Returns the same as PLUGIN_EXTRAS of packaging/backends.bzl."""
        distribution = starlark.constant(self._metadata_file, "PLUGIN_DISTRIBUTION")
        plugins = [row["plugin"] for row in self._accelerators.values() if "plugin" in row]
        return {plugin: [distribution.format(plugin=plugin) + "=={version}"] for plugin in plugins}

    @property
    def _metadata_file(self) -> Path:
        return self.root / "packaging/metadata.bzl"

    @property
    def distribution(self) -> str:
        """Returns the name as file names spell it."""
        return self.metadata["distribution"].replace("-", "_")

    @property
    def version(self) -> str:
        """Returns the version, without a local label."""
        return starlark.argument(self.root / "MODULE.bazel", "module", "version")

    @property
    def accelerators(self) -> dict[str, str]:
        """Returns a mapping: accelerator -> local version label of a wheel built for it."""
        return {name: row["label"] for name, row in self._accelerators.items()}

    @property
    def released_accelerators(self) -> list[str]:
        """Returns the accelerators whose wheels a release has."""
        return [name for name, row in self._accelerators.items() if row.get("is_released")]

    @property
    def plugins(self) -> list[str]:
        """Returns the accelerators that have a plug-in wheel."""
        return [name for name, row in self._accelerators.items() if "plugin" in row]

    def systems(self, accelerator: str) -> list[str]:
        """Returns the systems whose machines can have an accelerator."""
        return self._accelerators[accelerator]["systems"]

    @property
    def _accelerators(self) -> dict[str, dict[str, Any]]:
        return starlark.constant(self.root / "platforms/accelerators.bzl", "ACCELERATORS")

    @property
    def default_accelerator(self) -> str:
        """Returns the accelerator that Bazel builds for where none is named."""
        return starlark.constant(self.root / "platforms/accelerators.bzl", "DEFAULT_ACCELERATOR")

    @property
    def abis(self) -> list[str]:
        """Returns the Python ABIs that wheels are built for."""
        return starlark.keys(self.root / "bazel/toolchains/python/abis.bzl", "PYTHON_ABIS")
