"""From llama-cpp-python's names of chat formats to llama.cpp's templates."""

from __future__ import annotations

import ctypes
import json
from typing import Any, FrozenSet, List, NamedTuple, Optional

from .. import llama_cpp as _c
from .._engine import paths
from .settings import ModelSettings

# The template in the model's file: llama.cpp reads images and calls tools by it.
_OWN = frozenset(
    {
        *("llava-1-5", "llava-1-6", "obsidian", "moondream", "nanollava", "llama-3-vision-alpha"),
        *("minicpm-v-2.6", "qwen2.5-vl", "mtmd", "gemma4", "chatml-function-calling"),
        *("chat_template.default", "jinja"),
    }
)

# Formats whose names differ from llama.cpp's.
_BUILT_IN = {"llama-2": "llama2", "llama-3": "llama3", "mistral-instruct": "mistral-v1"}

# Formats that are ChatML. llama.cpp has it as a Jinja template, too.
_CHATML = frozenset({"chatml", "qwen"})


class Template(NamedTuple):
    """A template for the engine.

    Attributes:
        text: Jinja, or the name of one of llama.cpp's; None: the model's.
        options: of llama-server that it needs.
    """

    text: Optional[str]
    options: List[str]


def template_of(settings: ModelSettings) -> Template:
    """Returns the template of a model. ValueError for a format that the server does not have."""
    name = settings.chat_format
    if settings.chat_template is not None:
        return Template(settings.chat_template, [])
    if name is None or name in _OWN:
        return Template(None, [])
    if name in _CHATML:
        return Template("chatml", [])
    if _BUILT_IN.get(name, name) in _built_in():
        return Template(_BUILT_IN.get(name, name), ["--no-jinja"])  # C++ code, which has no tools
    if name == "hf-tokenizer-config":
        return Template(_of_tokenizer_config(settings.hf_tokenizer_config_path), [])
    known = ", ".join(sorted({*_OWN, *_CHATML, *_BUILT_IN, "hf-tokenizer-config"}))
    raise ValueError(
        f"chat_format {name!r} is not a format of the server, which has {known}, and the"
        " templates that are built into llama.cpp\n"
        "Leave it out to use the template in the model's file, or set chat_template to a Jinja"
        " template."
    )


def _built_in() -> FrozenSet[str]:
    """Returns the names of the templates that llama.cpp has."""
    count = _c.llama_chat_builtin_templates(None, 0)
    names = (ctypes.c_char_p * count)()
    _c.llama_chat_builtin_templates(names, count)
    return frozenset((name or b"").decode() for name in names)


def _of_tokenizer_config(path: Optional[str]) -> str:
    if path is None:
        raise ValueError(
            "chat_format 'hf-tokenizer-config' needs a tokenizer_config.json\n"
            "Set hf_tokenizer_config_path to its path."
        )
    try:
        template: Any = json.loads(paths.read_text(path)).get("chat_template")
    except (OSError, ValueError, AttributeError) as error:
        raise ValueError(f"{paths.shown(path)} cannot be read as JSON: {error}") from error
    if isinstance(template, list):
        named = {each["name"]: each["template"] for each in template}
        template = named.get("default")
    if not isinstance(template, str):
        raise ValueError(
            f"{paths.shown(path)} has no chat_template\n"
            "Leave chat_format out to use the template in the model's file."
        )
    return template
