"""`Project`: what the source tree says of itself, read from its Starlark tables without Bazel."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from . import starlark


@dataclasses.dataclass(frozen=True)
class Project:
    """A source tree.

    Attributes:
        root: Its root folder.
    """

    root: Path

    @property
    def metadata(self) -> dict[str, Any]:
        """What METADATA of every wheel says."""
        return starlark.constant(self.root / "llama_cpp/metadata.bzl", "METADATA")

    @property
    def distribution(self) -> str:
        """The name as file names spell it."""
        return self.metadata["distribution"].replace("-", "_")

    @property
    def version(self) -> str:
        """The version, without a local label."""
        return starlark.argument(self.root / "MODULE.bazel", "module", "version")

    @property
    def accelerators(self) -> dict[str, str]:
        """Accelerator -> local version label of a wheel built for it."""
        return starlark.constant(self.root / "platforms/accelerators.bzl", "ACCELERATORS")

    @property
    def default_accelerator(self) -> str:
        """The accelerator that Bazel builds for where none is named."""
        return starlark.constant(self.root / "platforms/accelerators.bzl", "DEFAULT_ACCELERATOR")

    @property
    def abis(self) -> list[str]:
        """The Python ABIs that wheels are built for."""
        return starlark.keys(self.root / "bazel/toolchains/python/abis.bzl", "PYTHON_ABIS")
