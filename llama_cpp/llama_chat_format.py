"""Chat formats: how messages become a prompt, and generated text an answer.

A *formatter* turns messages into a prompt. A *handler* answers a whole chat request. A handler is
found by the name of its format: first among the templates in the model file, then in the registry,
which holds the formats below and those that programs register.
"""

from __future__ import annotations

import os
from datetime import datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Protocol, Union

from . import _chat_prompts, _core
from ._chat_function_calling import chatml_function_calling
from ._chat_messages import joined, normalized, with_whole_arguments
from ._chat_prompts import format_llama2, format_mistral_instruct, format_saiga
from ._chat_readers import AnyCallReader, ForcedCallReader, TextReader, any_call_schema
from ._chat_response import MakeReader, respond
from ._chat_template import TemplateChatHandler, template_names
from ._chat_types import (
    ChatFormatterResponse,
    ChatRequest,
    arguments_grammar,
    schema_grammar,
    to_json,
)
from ._completion import encode
from ._errors import LlamaError
from ._utils import Singleton
from .llama_grammar import LlamaGrammar

if TYPE_CHECKING:
    from . import llama, llama_types

DEFAULT_TEMPLATE = "chat_template.default"

# Templates of well-known models (their tokenizer_config.json), for naming the format of a file.
CHATML_CHAT_TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] +"
    " '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant\n' }}{% endif %}"
)
CHATML_BOS_TOKEN = "<s>"
CHATML_EOS_TOKEN = "<|im_end|>"

_MISTRAL = (
    "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') !="
    " (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate"
    " user/assistant/user/assistant/...') }}{% endif %}{% if message['role'] == 'user' %}"
    "{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}"
    "ANSWER{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}"
    "{% endif %}{% endfor %}"
)
MISTRAL_INSTRUCT_CHAT_TEMPLATE = _MISTRAL.replace(
    "ANSWER", "{{ message['content'] + eos_token + ' ' }}"
)
MISTRAL_INSTRUCT_BOS_TOKEN = "<s>"
MISTRAL_INSTRUCT_EOS_TOKEN = "</s>"
MIXTRAL_INSTRUCT_CHAT_TEMPLATE = _MISTRAL.replace("ANSWER", "{{ message['content'] + eos_token}}")

LLAMA3_INSTRUCT_CHAT_TEMPLATE = (
    "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content ="
    " '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim"
    " + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}"
    "{{ content }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)


# ---- what formatters and handlers are


class LlamaChatCompletionHandler(Protocol):
    """Answers a chat request: a dict, or with stream=True an iterator of chunks.

    The arguments are those of Llama.create_chat_completion(); unknown ones are for the template.
    """

    def __call__(
        self,
        *,
        llama: llama.Llama,
        messages: List[llama_types.ChatCompletionRequestMessage],
        functions: Optional[List[llama_types.ChatCompletionFunction]] = None,
        function_call: Optional[llama_types.ChatCompletionRequestFunctionCall] = None,
        tools: Optional[List[llama_types.ChatCompletionTool]] = None,
        tool_choice: Optional[llama_types.ChatCompletionToolChoiceOption] = None,
        temperature: float = 0.2,
        top_p: float = 0.95,
        top_k: int = 40,
        stream: bool = False,
        stop: Optional[Union[str, List[str]]] = [],
        seed: Optional[int] = None,
        response_format: Optional[llama_types.ChatCompletionRequestResponseFormat] = None,
        max_tokens: Optional[int] = None,
        presence_penalty: float = 0.0,
        frequency_penalty: float = 0.0,
        repeat_penalty: float = 1.0,
        model: Optional[str] = None,
        logit_bias: Optional[Dict[str, float]] = None,
        min_p: float = 0.05,
        typical_p: float = 1.0,
        tfs_z: float = 1.0,
        mirostat_mode: int = 0,
        mirostat_tau: float = 5.0,
        mirostat_eta: float = 0.1,
        logits_processor: Optional[llama.LogitsProcessorList] = None,
        grammar: Optional[LlamaGrammar] = None,
        logprobs: Optional[bool] = None,
        top_logprobs: Optional[int] = None,
        **kwargs: Any,
    ) -> Union[
        llama_types.CreateChatCompletionResponse,
        Iterator[llama_types.CreateChatCompletionStreamResponse],
    ]: ...


class ChatFormatter(Protocol):
    """Turns messages into a prompt, and says what ends the answer."""

    def __call__(
        self, *, messages: List[llama_types.ChatCompletionRequestMessage], **kwargs: Any
    ) -> ChatFormatterResponse: ...


# ---- registry


class LlamaChatCompletionHandlerNotFoundException(Exception):
    """There is no chat format of this name."""


class LlamaChatCompletionHandlerRegistry(Singleton):
    """The handlers by name; there is one registry."""

    _chat_handlers: Dict[str, LlamaChatCompletionHandler] = {}

    def register_chat_completion_handler(
        self, name: str, chat_handler: LlamaChatCompletionHandler, overwrite: bool = False
    ):
        """Add a handler. ValueError if the name is taken and `overwrite` is False."""
        if name in self._chat_handlers and not overwrite:
            raise ValueError(
                f"Formatter with name '{name}' is already registered."
                " Use `overwrite=True` to overwrite it."
            )
        self._chat_handlers[name] = chat_handler

    def unregister_chat_handler(self, name: str):
        """Remove a handler. ValueError if there is none of this name."""
        if name not in self._chat_handlers:
            raise ValueError(f"No formatter registered under the name '{name}'.")
        del self._chat_handlers[name]

    def get_chat_completion_handler_by_name(self, name: str) -> LlamaChatCompletionHandler:
        """Return a handler, or raise LlamaChatCompletionHandlerNotFoundException."""
        try:
            return self._chat_handlers[name]
        except KeyError:
            raise LlamaChatCompletionHandlerNotFoundException(
                f"Invalid chat handler: {name} (valid formats: {sorted(self._chat_handlers)})"
            ) from None


def get_chat_completion_handler(name: str) -> LlamaChatCompletionHandler:
    """Return the registered handler of this name."""
    return LlamaChatCompletionHandlerRegistry().get_chat_completion_handler_by_name(name)


def register_chat_completion_handler(name: str):
    """Decorator: register a handler under `name`."""

    def decorator(handler: LlamaChatCompletionHandler):
        LlamaChatCompletionHandlerRegistry().register_chat_completion_handler(name, handler)
        return handler

    return decorator


def register_chat_format(name: str):
    """Decorator: register a formatter under `name`."""

    def decorator(formatter: ChatFormatter):
        handler = chat_formatter_to_chat_completion_handler(formatter)
        LlamaChatCompletionHandlerRegistry().register_chat_completion_handler(name, handler)
        return formatter

    return decorator


# ---- from a formatter to a handler


def chat_formatter_to_chat_completion_handler(
    chat_formatter: ChatFormatter,
) -> LlamaChatCompletionHandler:
    """Return a handler that completes the formatter's prompt.

    It knows response_format and calls tools with tool_choice "required" or a named tool, by leaving
    the model nothing but such a call. With "auto" only the formatter sees the tools.
    """

    def chat_completion_handler(*, llama: Any, messages: List[Any], **arguments: Any) -> Any:
        request = ChatRequest(messages, arguments)
        formatted = chat_formatter(messages=request.messages, **request.original, **request.extra)
        grammar, make_reader = _grammar_and_reader(request)
        stop = [formatted.stop] if isinstance(formatted.stop, str) else formatted.stop or []
        run = llama.create_completion(
            prompt=llama.tokenize(
                encode(formatted.prompt, "The prompt"),
                add_bos=not formatted.added_special,
                special=True,
            ),
            stop=[*request.stop, *(text for text in stop if text)],  # a model may have no EOS
            stream=request.stream,
            logprobs=request.logprobs,
            stopping_criteria=formatted.stopping_criteria,
            grammar=grammar,
            **request.completion,
        )
        return respond(run, make_reader)

    return chat_completion_handler


def _grammar_and_reader(request: ChatRequest) -> tuple[Optional[LlamaGrammar], MakeReader]:
    if request.forced is not None:
        name = request.forced["function"]["name"]
        return arguments_grammar(request.forced), partial(ForcedCallReader, name)
    if request.tools and request.tool_choice == "required":
        return schema_grammar(any_call_schema(request.tools)), AnyCallReader
    if request.schema is not None:
        return schema_grammar(request.schema), TextReader
    return request.grammar, TextReader


# ---- Jinja templates


class Jinja2ChatFormatter(ChatFormatter):
    """A formatter from a Jinja chat template, rendered by llama.cpp's template engine."""

    def __init__(
        self,
        template: str,
        eos_token: str,
        bos_token: str,
        add_generation_prompt: bool = True,
        stop_token_ids: Optional[List[int]] = None,
    ):
        """Take a template as Hugging Face models have it.

        The answer ends at `eos_token`, and when the model generates one of `stop_token_ids`.
        """
        self.template = template
        self.eos_token = eos_token
        self.bos_token = bos_token
        self.add_generation_prompt = add_generation_prompt
        self.stop_token_ids = set(stop_token_ids) if stop_token_ids is not None else None

    @staticmethod
    def strftime_now(f: str) -> str:
        """Return the current time in the format `f`, as templates do."""
        return datetime.now().strftime(f)

    def __call__(
        self,
        *,
        messages: List[llama_types.ChatCompletionRequestMessage],
        functions: Optional[List[llama_types.ChatCompletionFunction]] = None,
        function_call: Optional[llama_types.ChatCompletionRequestFunctionCall] = None,
        tools: Optional[List[llama_types.ChatCompletionTool]] = None,
        tool_choice: Optional[llama_types.ChatCompletionToolChoiceOption] = None,
        **kwargs: Any,
    ) -> ChatFormatterResponse:
        """Render the template. ChatTemplateError (a ValueError) when it refuses the messages."""
        context = dict(
            messages=_for_template(self.template, messages),
            functions=functions,
            function_call=function_call,
            tools=tools,
            tool_choice=tool_choice,
            add_generation_prompt=self.add_generation_prompt,
            **kwargs,
        )
        prompt = _render(self.template, context, self.bos_token, self.eos_token)
        return ChatFormatterResponse(
            prompt=prompt,
            stop=[self.eos_token],
            stopping_criteria=self._stopping_criteria(),
            added_special=True,
        )

    def _stopping_criteria(self) -> Optional[llama.StoppingCriteriaList]:
        if self.stop_token_ids is None:
            return None
        from .llama import StoppingCriteriaList

        ids = self.stop_token_ids
        return StoppingCriteriaList([lambda tokens, logits: tokens[-1] in ids])

    def to_chat_handler(self) -> LlamaChatCompletionHandler:
        """Return a handler that completes this formatter's prompts."""
        return chat_formatter_to_chat_completion_handler(self)


def _for_template(template: str, messages: List[Any]) -> List[Dict[str, Any]]:
    """Return the messages in one form; parts become one text where the template knows no parts."""
    messages = with_whole_arguments(normalized(messages))
    if _takes_parts(template):
        return messages
    return [{**each, "content": joined(each["content"])} for each in messages]


@lru_cache(maxsize=64)
def _takes_parts(template: str) -> bool:
    try:
        caps = _core.ChatTemplates(None, template).caps
    except LlamaError:  # what is wrong with it is said when it is rendered
        return False
    return caps.get("supports_typed_content", False)


def _render(template: str, context: Dict[str, Any], bos_token: str, eos_token: str) -> str:
    return _core.render_template(template, to_json(context, "The messages"), bos_token, eos_token)


def handlers_from_model(
    model: _core.Model, metadata: Dict[str, str]
) -> Dict[str, LlamaChatCompletionHandler]:
    """Return a handler for every chat template in a model file, by name."""
    return {
        name: TemplateChatHandler(model, "" if name == DEFAULT_TEMPLATE else text)
        for name, text in template_names(metadata).items()
    }


def guess_chat_format_from_gguf_metadata(metadata: Dict[str, str]) -> Optional[str]:
    """Return the name of the format if the template in the file is a well-known one."""
    known = {
        CHATML_CHAT_TEMPLATE: "chatml",
        MISTRAL_INSTRUCT_CHAT_TEMPLATE: "mistral-instruct",
        MIXTRAL_INSTRUCT_CHAT_TEMPLATE: "mistral-instruct",
        LLAMA3_INSTRUCT_CHAT_TEMPLATE: "llama-3",
    }
    return known.get(metadata.get("tokenizer.chat_template", ""))


# ---- Hugging Face tokenizers


def hf_autotokenizer_to_chat_formatter(
    pretrained_model_name_or_path: Union[str, os.PathLike[str]],
) -> ChatFormatter:
    """Return a formatter from the tokenizer of a Hugging Face model (needs `transformers`)."""
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise ImportError(
            "hf_autotokenizer_to_chat_formatter needs the transformers package:"
            " pip install transformers"
        ) from error
    tokenizer = AutoTokenizer.from_pretrained(pretrained_model_name_or_path)

    def format_autotokenizer(messages: List[Any], **kwargs: Any) -> ChatFormatterResponse:
        tokenizer.use_default_system_prompt = False
        prompt = tokenizer.apply_chat_template(messages, tokenize=False, **kwargs)
        return ChatFormatterResponse(prompt=prompt, stop=tokenizer.eos_token, added_special=True)

    return format_autotokenizer


def hf_autotokenizer_to_chat_completion_handler(
    pretrained_model_name_or_path: Union[str, os.PathLike[str]],
) -> LlamaChatCompletionHandler:
    """Return a handler from the tokenizer of a Hugging Face model."""
    return chat_formatter_to_chat_completion_handler(
        hf_autotokenizer_to_chat_formatter(pretrained_model_name_or_path)
    )


def hf_tokenizer_config_to_chat_formatter(
    tokenizer_config: Dict[str, Any], add_generation_prompt: bool = True
) -> ChatFormatter:
    """Return a formatter from the content of a tokenizer_config.json.

    With `add_generation_prompt` an empty assistant message is added at the end.
    """
    template = tokenizer_config.get("chat_template")
    if not isinstance(template, str):
        raise ValueError("The tokenizer config has no chat_template that is a string")
    bos_token = _token_text(tokenizer_config, "bos_token")
    eos_token = _token_text(tokenizer_config, "eos_token")

    def format_tokenizer_config(messages: List[Any], **kwargs: Any) -> ChatFormatterResponse:
        if add_generation_prompt:
            messages = [*messages, {"role": "assistant", "content": ""}]
        context = {"messages": _for_template(template, messages), **kwargs}
        prompt = _render(template, context, bos_token, eos_token)
        return ChatFormatterResponse(prompt=prompt, stop=[eos_token, bos_token], added_special=True)

    return format_tokenizer_config


def _token_text(tokenizer_config: Dict[str, Any], name: str) -> str:
    token = tokenizer_config.get(name)
    if isinstance(token, dict):  # written out as an AddedToken
        token = token.get("content")
    if not isinstance(token, str):
        raise ValueError(f"The tokenizer config has no {name} that is a string")
    return token


def hf_tokenizer_config_to_chat_completion_handler(
    tokenizer_config: Dict[str, Any], add_generation_prompt: bool = True
) -> LlamaChatCompletionHandler:
    """Return a handler from the content of a tokenizer_config.json."""
    return chat_formatter_to_chat_completion_handler(
        hf_tokenizer_config_to_chat_formatter(
            tokenizer_config, add_generation_prompt=add_generation_prompt
        )
    )


# ---- the named formats


def _named(name: str) -> ChatFormatter:
    def formatter(messages: List[Any], **kwargs: Any) -> ChatFormatterResponse:
        return _chat_prompts.format_named(name, messages)

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
register_chat_format("llama-2")(format_llama2)
register_chat_format("mistral-instruct")(format_mistral_instruct)
register_chat_format("saiga")(format_saiga)
register_chat_completion_handler("chatml-function-calling")(chatml_function_calling)
