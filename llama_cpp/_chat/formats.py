"""The chat formats of this package, registered by name."""

from __future__ import annotations

from typing import Any, List

from .formatted import ChatFormatterResponse
from .formatter import register_chat_format
from .function_calling import chatml_function_calling
from .functionary import (
    functionary_chat_handler,
    functionary_v1,
    functionary_v1_v2_chat_handler,
)
from .handler import ChatFormatter
from .named_formats import format_llama2, format_mistral_instruct, format_named, format_saiga
from .registry import register_chat_completion_handler


def _named(name: str) -> ChatFormatter:
    def formatter(messages: List[Any], **kwargs: Any) -> ChatFormatterResponse:
        return format_named(name, messages)

    formatter.__name__ = "format_" + name.replace("-", "_")
    formatter.__doc__ = f"Write messages down in the format {name!r}."
    return register_chat_format(name)(formatter)


format_alpaca = _named("alpaca")
format_baichuan = _named("baichuan")
format_baichuan2 = _named("baichuan-2")
format_chatglm3 = _named("chatglm3")
format_chatml = _named("chatml")
format_gemma = _named("gemma")
format_intel = _named("intel")
format_llama3 = _named("llama-3")
format_mistrallite = _named("mistrallite")
format_oasst_llama = _named("oasst_llama")
format_open_orca = _named("open-orca")
format_openbuddy = _named("openbuddy")
format_openchat = _named("openchat")
format_phind = _named("phind")
format_pygmalion = _named("pygmalion")
format_qwen = _named("qwen")
format_redpajama_incite = _named("redpajama-incite")
format_snoozy = _named("snoozy")
format_vicuna = _named("vicuna")
format_zephyr = _named("zephyr")
format = format_vicuna  # llama-cpp-python's name of it
register_chat_format("llama-2")(format_llama2)
register_chat_format("mistral-instruct")(format_mistral_instruct)
register_chat_format("saiga")(format_saiga)
register_chat_completion_handler("chatml-function-calling")(chatml_function_calling)
register_chat_completion_handler("functionary")(functionary_chat_handler)
register_chat_completion_handler("functionary-v1")(functionary_v1)
register_chat_completion_handler("functionary-v2")(functionary_v1_v2_chat_handler)
