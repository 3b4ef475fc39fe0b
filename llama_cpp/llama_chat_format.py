"""Chat formats and handlers, under llama-cpp-python's names.

A *formatter* turns messages into a prompt. A *handler* answers a whole chat request. A handler is
found by the name of its format: first among the templates in the model file, then in the registry,
which holds this package's formats and those that programs register.
"""

from typing import TYPE_CHECKING, Any, List

from ._chat.formats import (
    format,
    format_alpaca,
    format_baichuan,
    format_baichuan2,
    format_chatglm3,
    format_chatml,
    format_gemma,
    format_intel,
    format_llama2,
    format_llama3,
    format_mistral_instruct,
    format_mistrallite,
    format_oasst_llama,
    format_open_orca,
    format_openbuddy,
    format_openchat,
    format_phind,
    format_pygmalion,
    format_qwen,
    format_redpajama_incite,
    format_saiga,
    format_snoozy,
    format_vicuna,
    format_zephyr,
)
from ._chat.formatted import (
    ChatFormatterResponse,
)
from ._chat.formatter import (
    chat_formatter_to_chat_completion_handler,
    register_chat_format,
)
from ._chat.function_calling import (
    chatml_function_calling,
)
from ._chat.functionary import (
    functionary_chat_handler,
    functionary_v1_v2_chat_handler,
)
from ._chat.handler import (
    ChatFormatter,
    LlamaChatCompletionHandler,
)
from ._chat.jinja import (
    Jinja2ChatFormatter,
    hf_autotokenizer_to_chat_completion_handler,
    hf_autotokenizer_to_chat_formatter,
    hf_tokenizer_config_to_chat_completion_handler,
    hf_tokenizer_config_to_chat_formatter,
)
from ._chat.registry import (
    LlamaChatCompletionHandlerNotFoundException,
    LlamaChatCompletionHandlerRegistry,
    get_chat_completion_handler,
    register_chat_completion_handler,
)
from ._chat.template import DEFAULT_TEMPLATE, TemplateChatHandler
from ._chat.well_known import (
    CHATML_BOS_TOKEN,
    CHATML_CHAT_TEMPLATE,
    CHATML_EOS_TOKEN,
    LLAMA3_INSTRUCT_CHAT_TEMPLATE,
    MISTRAL_INSTRUCT_BOS_TOKEN,
    MISTRAL_INSTRUCT_CHAT_TEMPLATE,
    MISTRAL_INSTRUCT_EOS_TOKEN,
    MIXTRAL_INSTRUCT_CHAT_TEMPLATE,
    guess_chat_format_from_gguf_metadata,
)

if TYPE_CHECKING:
    from ._chat.helpers import (  # noqa: F401
        _convert_completion_to_chat,
        _convert_completion_to_chat_function,
        _convert_text_completion_chunks_to_chat,
        _convert_text_completion_logprobs_to_chat,
        _convert_text_completion_to_chat,
        _format_add_colon_single,
        _format_add_colon_space_single,
        _format_add_colon_two,
        _format_chatglm3,
        _format_chatml,
        _format_llama2,
        _format_no_colon_single,
        _get_system_message,
        _grammar_for_json,
        _grammar_for_json_schema,
        _grammar_for_response_format,
        _map_roles,
    )
    from ._chat.vision_handlers import (
        Gemma4ChatHandler,
        Llama3VisionAlpha,
        Llama3VisionAlphaChatHandler,
        Llava15ChatHandler,
        Llava16ChatHandler,
        MiniCPMv26ChatHandler,
        MoondreamChatHandler,
        MTMDChatHandler,
        NanoLlavaChatHandler,
        ObsidianChatHandler,
        Qwen25VLChatHandler,
    )

# Modules of names that few programs use, which are imported when one is asked for.
_LATER = ("vision_handlers", "helpers")

__all__ = [
    "CHATML_BOS_TOKEN",
    "CHATML_CHAT_TEMPLATE",
    "CHATML_EOS_TOKEN",
    "ChatFormatter",
    "ChatFormatterResponse",
    "DEFAULT_TEMPLATE",
    "Gemma4ChatHandler",
    "Jinja2ChatFormatter",
    "LLAMA3_INSTRUCT_CHAT_TEMPLATE",
    "Llama3VisionAlpha",
    "Llama3VisionAlphaChatHandler",
    "LlamaChatCompletionHandler",
    "LlamaChatCompletionHandlerNotFoundException",
    "LlamaChatCompletionHandlerRegistry",
    "Llava15ChatHandler",
    "Llava16ChatHandler",
    "MISTRAL_INSTRUCT_BOS_TOKEN",
    "MISTRAL_INSTRUCT_CHAT_TEMPLATE",
    "MISTRAL_INSTRUCT_EOS_TOKEN",
    "MIXTRAL_INSTRUCT_CHAT_TEMPLATE",
    "MTMDChatHandler",
    "MiniCPMv26ChatHandler",
    "MoondreamChatHandler",
    "NanoLlavaChatHandler",
    "ObsidianChatHandler",
    "Qwen25VLChatHandler",
    "TemplateChatHandler",
    "chat_formatter_to_chat_completion_handler",
    "chatml_function_calling",
    "format",
    "format_alpaca",
    "format_baichuan",
    "format_baichuan2",
    "format_chatglm3",
    "format_chatml",
    "format_gemma",
    "format_intel",
    "format_llama2",
    "format_llama3",
    "format_mistral_instruct",
    "format_mistrallite",
    "format_oasst_llama",
    "format_open_orca",
    "format_openbuddy",
    "format_openchat",
    "format_phind",
    "format_pygmalion",
    "format_qwen",
    "format_redpajama_incite",
    "format_saiga",
    "format_snoozy",
    "format_vicuna",
    "format_zephyr",
    "functionary_chat_handler",
    "functionary_v1_v2_chat_handler",
    "get_chat_completion_handler",
    "guess_chat_format_from_gguf_metadata",
    "hf_autotokenizer_to_chat_completion_handler",
    "hf_autotokenizer_to_chat_formatter",
    "hf_tokenizer_config_to_chat_completion_handler",
    "hf_tokenizer_config_to_chat_formatter",
    "register_chat_completion_handler",
    "register_chat_format",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if not name.startswith("__"):
        for module in _LATER:
            found = vars(import_module(f"._chat.{module}", __package__)).get(name)
            if found is not None:
                globals()[name] = found
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> List[str]:
    return sorted({*globals(), *__all__})
