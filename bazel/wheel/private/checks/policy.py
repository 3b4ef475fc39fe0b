"""The policy of a project: libraries that its wheels may need, and names of its own libraries."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Policy:
    """A target of the rule `wheel_policy`, whose attributes have the same names and docs.

    Attributes:
        accelerator_libraries: Accelerator's label -> libraries.
        default_accelerator: Label of wheels without an accelerator.
        own_library_prefix: Beginning of the sonames of plug-ins, whose files are called otherwise.
        plugin_entry_points: Symbols.
        plugin_host: Distribution, or empty.
        plugin_host_libraries: Sonames.
        taken_library_advice: Rest of the sentence about such a name.
        taken_library_prefixes: Beginnings of names.
    """

    accelerator_libraries: Mapping[str, frozenset[str]] = dataclasses.field(
        default_factory=lambda: {"cpu": frozenset()}
    )
    default_accelerator: str = "cpu"
    own_library_prefix: str = ""
    plugin_entry_points: tuple[str, ...] = ()
    plugin_host: str = ""
    plugin_host_libraries: frozenset[str] = frozenset()
    taken_library_advice: str = ""
    taken_library_prefixes: tuple[str, ...] = ()


def read_policy(path: Path) -> Policy:
    """Returns the policy in a JSON file that `wheel_policy` wrote."""
    fields = json.loads(path.read_text(encoding="utf-8"))
    libraries = fields["accelerator_libraries"]
    return Policy(
        **{
            **fields,
            "accelerator_libraries": {label: frozenset(libraries[label]) for label in libraries},
            "plugin_entry_points": tuple(fields["plugin_entry_points"]),
            "plugin_host_libraries": frozenset(fields["plugin_host_libraries"]),
            "taken_library_prefixes": tuple(fields["taken_library_prefixes"]),
        }
    )
