"""Chats with the template in the model file, through llama.cpp's own chat code.

llama.cpp renders the template, derives from it the format in which this model calls tools, builds
the grammar for that format, and parses the answer. So tool calls are real ones with every
tool_choice, also in streams.
"""

from __future__ import annotations

import json
import re
import threading
from functools import partial
from typing import Any, Dict, List, Optional

from .. import _core
from .._engine.session import Session
from .._errors import LlamaError
from . import well_known
from .answer import Run, answer, tokens_of
from .constraint import Constraint, constrain
from .formatted import ChatFormatterResponse
from .handler import ChatModel, LlamaChatCompletionHandler
from .json_text import to_json
from .messages import with_whole_arguments
from .readers import ParsedReader
from .request import ChatRequest
from .thoughts import Thoughts

DEFAULT_TEMPLATE = "chat_template.default"

# In llama.cpp's grammars for tool_choice "required": text before the first call. A small model
# that is allowed to talk may never come to the call.
_LEADING_TEXT = re.compile(r"^(root ::= .*?)until-\d+\? ", re.MULTILINE)


class _NativeConstraint(Constraint):
    """The grammar of a rendered template, with the tokens and texts at which it sets in."""

    def __init__(self, model: _core.Model, prompt: _core.ChatPrompt, only_calls: bool) -> None:
        grammar = prompt.grammar
        if only_calls and not prompt.supports_thinking:
            grammar = _LEADING_TEXT.sub(r"\1", grammar)
        preserved = (model.tokenize(text.encode(), False, True) for text in prompt.preserved_tokens)
        super().__init__(
            grammar,
            preserved=[ids[0] for ids in preserved if len(ids) == 1],
            thoughts=_thoughts(prompt),
        )
        self._prompt = prompt

    def complete(self, params: _core.SamplingParams) -> None:
        """Sets the triggers of a grammar that sets in later, and its control tokens."""
        params.grammar_lazy = self._prompt.grammar_lazy
        params.grammar_triggers = self._prompt.grammar_triggers
        params.preserved_tokens = self.preserved
        params.generation_prompt = self._prompt.generation_prompt


def _thoughts(prompt: _core.ChatPrompt) -> Thoughts:
    """Returns how a template has its model think."""
    if not (prompt.thinking_start_tag and prompt.thinking_end_tags):
        return Thoughts(given=prompt.generation_prompt)
    return Thoughts(prompt.thinking_start_tag, prompt.thinking_end_tags, prompt.generation_prompt)


class _Rendered:
    """A rendered request; a NativeFormat."""

    def __init__(
        self, handler: TemplateChatHandler, request: ChatRequest, prompt: _core.ChatPrompt
    ) -> None:
        self._handler = handler
        self._request = request
        self._prompt = prompt
        self.has_grammar = bool(prompt.grammar)

    def opening(self, request: ChatRequest) -> str:
        """Returns how this model begins a call of the forced tool, up to the arguments.

        It is the text that the template writes before the arguments of such a call; "" when it
        writes arguments in a form of its own, or writes the chat differently with an answer in it.
        """
        assert request.forced is not None
        arguments = json.dumps({"argument": 0})
        function = {"name": request.forced["function"]["name"], "arguments": arguments}
        call = {"id": "call_0", "type": "function", "function": function}
        answer = {"content": None, **(request.prefill or {}), "role": "assistant"}
        answer["tool_calls"] = [call]
        try:
            chat = self._handler.render(request, [*request.messages, answer]).prompt
        except LlamaError:
            return ""
        text = self._prompt.prompt
        opening, found, _ = chat[len(text) :].partition(arguments)
        return opening if found and chat.startswith(text) else ""

    def constraint(self, must_call: bool, parsed: bool) -> Constraint:
        """Returns the constraint of the format that the template implies."""
        prefilled = self._request.prefill is not None
        only_calls = must_call and not prefilled
        constraint = _NativeConstraint(self._handler.model, self._prompt, only_calls)
        if parsed:
            constraint.make_reader = partial(ParsedReader, self._prompt, prefilled)
        return constraint


class TemplateChatHandler:
    """A chat completion handler for one template of a model.

    Arguments that no handler has reach the template. ``enable_thinking`` (default True) lets models
    that can think do so.
    """

    def __init__(self, model: _core.Model, template: str = "") -> None:
        """Uses `template`, or by default the model's own (with its variant for tools)."""
        self.model = model
        self._template = template
        self._parsed: Optional[_core.ChatTemplates] = None
        # A signal handler that runs during parsing may come here again.
        self._lock = threading.RLock()

    @property
    def templates(self) -> _core.ChatTemplates:
        """The parsed template. Parsing examines its abilities, so it waits for the first use."""
        with self._lock:
            if self._parsed is None:
                self._parsed = _core.ChatTemplates(self.model, self._template)
            return self._parsed

    def __call__(self, *, llama: ChatModel, messages: List[Any], **arguments: Any) -> Any:
        return self.answer(llama._session, ChatRequest(messages, arguments))

    def answer(self, session: Session, request: ChatRequest) -> Run:
        """Returns the answer to a request, or with request.stream its chunks."""
        prompt = self.render(request)
        constraint = constrain(request, _thoughts(prompt), _Rendered(self, request, prompt))
        tokens = tokens_of(session, request, prompt.prompt + constraint.opening, True)
        return answer(session, request, tokens, constraint, prompt.additional_stops)

    def render(
        self, request: ChatRequest, messages: Optional[List[Any]] = None
    ) -> _core.ChatPrompt:
        """Renders the request; with `messages` those instead, and no beginning of an answer."""
        extra = dict(request.extra)
        parallel = request.parallel_tool_calls
        if parallel is None:
            parallel = self.templates.caps.get("supports_parallel_tool_calls", False)
        prefill = [] if messages or request.prefill is None else [request.prefill]
        shown = [*(messages or request.messages), *prefill]
        return self.templates.apply(
            to_json(with_whole_arguments(shown), "The messages"),
            to_json(request.tools, "The tools") if request.tools else "",
            request.tool_choice,
            json_schema="" if request.schema is None else json.dumps(request.schema),
            add_generation_prompt=messages is None,
            continue_final_message=bool(prefill),
            parallel_tool_calls=parallel,
            enable_thinking=extra.pop("enable_thinking", True),
            reasoning_format=request.reasoning_format,
            kwargs={name: to_json(value, name) for name, value in extra.items()},
        )

    def format(self, *, messages: List[Any], **arguments: Any) -> ChatFormatterResponse:
        """Returns only the prompt that a call with these arguments uses."""
        prompt = self.render(ChatRequest(messages, arguments))
        return ChatFormatterResponse(
            prompt=prompt.prompt, stop=list(prompt.additional_stops), added_special=False
        )


def template_names(metadata: Dict[str, str]) -> Dict[str, str]:
    """Returns the templates of a model file: chat_template.<name> -> text."""
    prefix = "tokenizer.chat_template"
    found = {}
    for key, text in metadata.items():
        if key == prefix:
            found[DEFAULT_TEMPLATE] = text
        elif key.startswith(prefix + "."):
            found[key[len("tokenizer.") :]] = text
    return found


def handlers_from_model(
    model: _core.Model, metadata: Dict[str, str]
) -> Dict[str, LlamaChatCompletionHandler]:
    """Returns a handler for every chat template in a model file, by name."""
    return {
        name: TemplateChatHandler(model, "" if name == DEFAULT_TEMPLATE else text)
        for name, text in template_names(metadata).items()
    }


def default_format(
    handlers: Dict[str, LlamaChatCompletionHandler], metadata: Dict[str, str]
) -> str:
    """Returns the format of the template in the model file, by a well-known name if it has one."""
    if DEFAULT_TEMPLATE not in handlers:
        return "llama-2"
    known = well_known.guess_chat_format_from_gguf_metadata(metadata)
    if known is not None:  # same prompts, but the template's handler also parses tool calls
        handlers[known] = handlers[DEFAULT_TEMPLATE]
    return known or DEFAULT_TEMPLATE
