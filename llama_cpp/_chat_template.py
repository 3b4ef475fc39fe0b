"""Chats with the template in the model file, through llama.cpp's own chat code.

llama.cpp renders the template, derives from it the format in which this model calls tools, builds
the grammar for that format, and parses the answer. So tool calls are real ones with every
tool_choice, also in streams.
"""

from __future__ import annotations

import json
import threading
from functools import partial
from typing import Any, Dict, List, Optional

from . import _completion, _core
from ._chat_readers import (
    AnyCallReader,
    ForcedCallReader,
    ParsedReader,
    TextReader,
    any_call_schema,
)
from ._chat_response import MakeReader, respond
from ._chat_types import (
    ChatFormatterResponse,
    ChatRequest,
    arguments_grammar,
    schema_grammar,
    to_json,
)
from .llama_grammar import LlamaGrammar


class TemplateChatHandler:
    """A chat completion handler for one template of a model.

    Beside the usual arguments of a handler it takes (``Llama.chat_template_kwargs`` passes them):

    * ``enable_thinking`` (default True): let models that can think do so.
    * ``reasoning_format`` (default "none"): "auto" or "deepseek" moves the model's thinking from
      "content" to "reasoning_content". Needed for models that write in channels (gpt-oss).
    * ``parallel_tool_calls`` (default: whether the template has them).

    All others reach the template.
    """

    def __init__(self, model: _core.Model, template: str = "") -> None:
        """Use `template`, or by default the model's own (with its variant for tools)."""
        self._model = model
        self._template = template
        self._parsed: Optional[_core.ChatTemplates] = None
        self._lock = threading.Lock()

    @property
    def templates(self) -> _core.ChatTemplates:
        """The parsed template. Parsing examines what it can do, so it waits for the first use."""
        with self._lock:
            if self._parsed is None:
                self._parsed = _core.ChatTemplates(self._model, self._template)
            return self._parsed

    def __call__(self, *, llama: Any, messages: List[Any], **arguments: Any) -> Any:
        request = ChatRequest(messages, arguments)
        reasoning = request.extra.get("reasoning_format", "none")
        prompt = self._apply(request)
        params = llama._sampling_params(
            temp=request.completion["temperature"],
            grammar=request.grammar,
            **{
                name: request.completion[name]
                for name in (
                    "top_k",
                    "top_p",
                    "min_p",
                    "typical_p",
                    "repeat_penalty",
                    "frequency_penalty",
                    "presence_penalty",
                    "mirostat_mode",
                    "mirostat_tau",
                    "mirostat_eta",
                    "logit_bias",
                )
            },
        )
        preserved = self._preserved(prompt)
        make_reader: MakeReader = TextReader
        if request.grammar is None:
            by_hand = self._call_by_hand(request, prompt)
            if by_hand is not None:
                grammar, make_reader = by_hand
                params.grammar = grammar._grammar
            elif request.may_call or reasoning != "none":
                _constrain(params, prompt, preserved)
                make_reader = partial(ParsedReader, prompt, request.forced is not None)
            elif request.schema is not None:
                _constrain(params, prompt, preserved)
        job = _completion.prepare(
            llama,
            llama.tokenize(_completion.encode(prompt.prompt, "The prompt"), True, True),
            params,
            max_tokens=request.completion["max_tokens"],
            logprobs=request.logprobs,
            stop=[*request.stop, *prompt.additional_stops],
            seed=request.completion["seed"],
            model=request.completion["model"],
            processors=request.completion["logits_processor"],
            preserved=preserved,
        )
        run = _completion.stream if request.stream else _completion.complete
        return respond(run(llama, job), make_reader)

    def _apply(self, request: ChatRequest) -> _core.ChatPrompt:
        tools = [request.forced] if request.forced else request.tools
        extra = dict(request.extra)
        parallel = self.templates.caps.get("supports_parallel_tool_calls", False)
        parallel = extra.pop("parallel_tool_calls", parallel) and not request.forced
        return self.templates.apply(
            to_json(request.messages, "The messages"),
            to_json(tools, "The tools") if tools else "",
            request.tool_choice,
            json_schema="" if request.schema is None else json.dumps(request.schema),
            add_generation_prompt=True,
            parallel_tool_calls=bool(parallel),
            enable_thinking=extra.pop("enable_thinking", True),
            reasoning_format=extra.pop("reasoning_format", "none"),
            kwargs={name: to_json(value, f"{name}") for name, value in extra.items()},
        )

    def _call_by_hand(
        self, request: ChatRequest, prompt: _core.ChatPrompt
    ) -> Optional[tuple[LlamaGrammar, MakeReader]]:
        """For templates without tool calls: a grammar that leaves nothing but a call."""
        if request.tool_choice != "required" or not request.tools or prompt.grammar:
            return None
        if request.forced is not None:
            name = request.forced["function"]["name"]
            return arguments_grammar(request.forced), partial(ForcedCallReader, name)
        return schema_grammar(any_call_schema(request.tools)), AnyCallReader

    def _preserved(self, prompt: _core.ChatPrompt) -> List[int]:
        """Control tokens that the parser has to see."""
        tokens = (
            self._model.tokenize(text.encode(), False, True) for text in prompt.preserved_tokens
        )
        return [ids[0] for ids in tokens if len(ids) == 1]

    def format(self, *, messages: List[Any], **arguments: Any) -> ChatFormatterResponse:
        """Return only the prompt that a call with these arguments uses."""
        prompt = self._apply(ChatRequest(messages, arguments))
        return ChatFormatterResponse(
            prompt=prompt.prompt, stop=list(prompt.additional_stops), added_special=False
        )


def _constrain(
    params: _core.SamplingParams, prompt: _core.ChatPrompt, preserved: List[int]
) -> None:
    """Sample by the grammar that belongs to a prompt."""
    params.grammar = prompt.grammar
    params.grammar_lazy = prompt.grammar_lazy
    params.grammar_triggers = prompt.grammar_triggers
    params.preserved_tokens = preserved
    params.generation_prompt = prompt.generation_prompt
    if prompt.grammar_lazy:  # a tool call that the model only thinks about is none
        params.thinking_start = prompt.thinking_start_tag
        params.thinking_ends = prompt.thinking_end_tags


def template_names(metadata: Dict[str, str]) -> Dict[str, str]:
    """Return the templates of a model file: chat_template.<name> -> text."""
    prefix = "tokenizer.chat_template"
    found = {}
    for key, text in metadata.items():
        if key == prefix:
            found["chat_template.default"] = text
        elif key.startswith(prefix + "."):
            found[key[len("tokenizer.") :]] = text
    return found
