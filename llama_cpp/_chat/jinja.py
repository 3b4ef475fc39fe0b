"""Formatters from Jinja chat templates, rendered by llama.cpp's template engine."""

from __future__ import annotations

import json
import os
from datetime import datetime
from functools import lru_cache
from typing import Any, Dict, List, Optional, Tuple, Union

from .. import _core, llama_types
from .._engine.processors import StoppingCriteriaList
from .._errors import LlamaError
from .formatted import ChatFormatterResponse
from .formatter import chat_formatter_to_chat_completion_handler
from .handler import ChatFormatter, LlamaChatCompletionHandler
from .json_text import to_json
from .messages import joined, normalized, with_whole_arguments


class _GenerationTags:
    """The extension of jinja2, which only its users need."""

    def __get__(self, formatter: Any, owner: type) -> type:
        try:
            from .jinja_extension import IgnoreGenerationTags
        except ImportError as error:
            raise AttributeError(
                "IgnoreGenerationTags needs the jinja2 package: pip install jinja2"
            ) from error
        return IgnoreGenerationTags


class Jinja2ChatFormatter(ChatFormatter):
    """A formatter from a Jinja chat template, rendered by llama.cpp's template engine.

    Attributes:
        IgnoreGenerationTags: An extension for jinja2's own engine; llama.cpp's knows those tags.
    """

    IgnoreGenerationTags: Any = _GenerationTags()

    def __init__(
        self,
        template: str,
        eos_token: str,
        bos_token: str,
        add_generation_prompt: bool = True,
        stop_token_ids: Optional[List[int]] = None,
    ):
        """Takes a template as Hugging Face models have it.

        The answer ends at `eos_token`, and when the model generates one of `stop_token_ids`.
        """
        self.template = template
        self.eos_token = eos_token
        self.bos_token = bos_token
        self.add_generation_prompt = add_generation_prompt
        self.stop_token_ids = set(stop_token_ids) if stop_token_ids is not None else None

    @staticmethod
    def strftime_now(f: str) -> str:
        """Returns the current time in the format `f`, as templates do."""
        return datetime.now().strftime(f)

    @staticmethod
    def tojson(
        x: Any,
        ensure_ascii: bool = False,
        indent: Optional[int] = None,
        separators: Optional[Tuple[str, str]] = None,
        sort_keys: bool = False,
    ) -> str:
        """Returns `x` as JSON, as the filter `tojson` of chat templates does (no HTML escapes)."""
        return json.dumps(
            x,
            ensure_ascii=ensure_ascii,
            indent=indent,
            separators=separators,
            sort_keys=sort_keys,
        )

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
        """Renders the template. ChatTemplateError (a ValueError) when it refuses the messages."""
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

    def _stopping_criteria(self) -> Optional[StoppingCriteriaList]:
        if self.stop_token_ids is None:
            return None
        ids = self.stop_token_ids
        return StoppingCriteriaList([lambda tokens, logits: tokens[-1] in ids])

    def to_chat_handler(self) -> LlamaChatCompletionHandler:
        """Returns a handler that completes this formatter's prompts."""
        return chat_formatter_to_chat_completion_handler(self)


def _for_template(template: str, messages: List[Any]) -> List[Dict[str, Any]]:
    """Returns the messages in one form; parts become one text where the template knows no parts."""
    messages = with_whole_arguments(normalized(messages))
    if _takes_parts(template):
        return messages
    return [{**each, "content": joined(each["content"])} for each in messages]


@lru_cache(maxsize=64)
def _takes_parts(template: str) -> bool:
    try:
        caps = _core.ChatTemplates(None, template).caps
    except LlamaError:  # rendering it says why
        return False
    return caps.get("supports_typed_content", False)


def _render(template: str, context: Dict[str, Any], bos_token: str, eos_token: str) -> str:
    return _core.render_template(template, to_json(context, "The messages"), bos_token, eos_token)


def hf_autotokenizer_to_chat_formatter(
    pretrained_model_name_or_path: Union[str, os.PathLike[str]],
) -> ChatFormatter:
    """Returns a formatter from the tokenizer of a Hugging Face model (needs `transformers`)."""
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
    """Returns a handler from the tokenizer of a Hugging Face model."""
    return chat_formatter_to_chat_completion_handler(
        hf_autotokenizer_to_chat_formatter(pretrained_model_name_or_path)
    )


def hf_tokenizer_config_to_chat_formatter(
    tokenizer_config: Dict[str, Any], add_generation_prompt: bool = True
) -> ChatFormatter:
    """Returns a formatter from the content of a tokenizer_config.json.

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
    """Returns a handler from the content of a tokenizer_config.json."""
    return chat_formatter_to_chat_completion_handler(
        hf_tokenizer_config_to_chat_formatter(
            tokenizer_config, add_generation_prompt=add_generation_prompt
        )
    )
