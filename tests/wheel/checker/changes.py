"""Changes to a draft that keep the rest consistent, and assertions on the checker's messages."""

from __future__ import annotations

import re
from typing import Callable

from checks.wheel import Expected
from draft import Draft
from tiny_elf import EM_AARCH64, EM_X86_64, tiny_elf

Check = Callable[..., list[str]]

LIBRARY = "toy/lib/libtoy.so"


def module_of(draft: Draft) -> str:
    """Returns the path of the extension."""
    return next(path for path in draft.files if path.startswith("toy/_toy."))


def machine_of(draft: Draft) -> int:
    """e_machine of the wheel's platform."""
    return EM_AARCH64 if draft.name.endswith("aarch64.whl") else EM_X86_64


def set_library(draft: Draft, **facts: object) -> None:
    """Replaces the library by one with these facts."""
    facts = {"machine": machine_of(draft), "soname": "libtoy.so", **facts}
    draft.files[LIBRARY] = tiny_elf(**facts)
    draft.fit_sbom()


def set_module(draft: Draft, **facts: object) -> None:
    """Replaces the extension by one with these facts."""
    facts = {"machine": machine_of(draft), "exported": ("PyInit__toy",), **facts}
    draft.files[module_of(draft)] = tiny_elf(**facts)
    draft.fit_sbom()


def relabel(draft: Draft, label: str) -> None:
    """Gives the wheel another local label, everywhere."""
    draft.name = draft.name.replace("+cpu", f"+{label}")
    draft.metadata("+cpu", f"+{label}")
    draft.files = {path.replace("+cpu.", f"+{label}."): data for path, data in draft.files.items()}
    draft.sbom_path = draft.sbom_path.replace("+cpu.", f"+{label}.")
    main = draft.sbom["metadata"]["component"]
    main["version"] = main["version"].replace("+cpu", f"+{label}")


def set_platform(draft: Draft, tag: str) -> None:
    """Gives the wheel another platform tag, everywhere."""
    old = draft.name[: -len(".whl")].split("-")[-1]
    draft.name = draft.name.replace(old, tag)
    draft.replace(draft.inside("WHEEL"), old, tag)


def assert_only(problems: list[str], *patterns: str) -> None:
    """Asserts that each pattern is found in one problem, in order, with no other problem."""
    assert len(problems) == len(patterns), problems
    for problem, pattern in zip(problems, patterns):
        assert re.search(pattern, problem), f"{pattern!r} is not in {problem!r}"
        assert "\n" not in problem


def expected(draft: Draft, policy, **changes: str):
    """Returns the build's messages for the draft."""
    name, version, python_tag, abi_tag, platform_tag = draft.name[: -len(".whl")].split("-")
    facts = {
        "distribution": name,
        "version": version,
        "python_tag": python_tag,
        "abi_tag": abi_tag,
        "platform_tag": platform_tag,
        "ext_suffix": "." + module_of(draft).partition(".")[2],
        "accelerator": "cpu",
        "policy": policy,
    }
    return Expected(**{**facts, **changes})
