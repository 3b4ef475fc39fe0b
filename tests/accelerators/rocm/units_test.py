"""Identifiers of the HIP backend's compile units, and the GPUs of a release."""

from __future__ import annotations

from command_line_facts import FACTS
from command_lines import Action

pytest_plugins = ["command_line_fixtures"]


def test_units_do_not_share_an_identifier(compiles: list[Action]) -> None:
    identifiers = [word for action in compiles for word in action["arguments"] if "-cuid=" in word]
    assert len(compiles) == len(set(identifiers))


def test_a_release_is_for_as_many_gpus_as_upstreams() -> None:
    # llama.cpp's .github/workflows/release.yml.
    assert len(FACTS.architectures.release) == 23
