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

from . import _completion, _core
from ._chat_messages import with_whole_arguments
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
from ._errors import LlamaError

# In llama.cpp's grammars for tool_choice "required": text before the first call. A small model
# that is allowed to talk may never come to the call.
_LEADING_TEXT = re.compile(r"^(root ::= .*?)until-\d+\? ", re.MULTILINE)

_SAMPLING = (
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
        # A signal handler that runs during parsing may come here again.
        self._lock = threading.RLock()

    @property
    def templates(self) -> _core.ChatTemplates:
        """The parsed template. Parsing examines what it can do, so it waits for the first use."""
        with self._lock:
            if self._parsed is None:
                self._parsed = _core.ChatTemplates(self._model, self._template)
            return self._parsed

    def __call__(self, *, llama: Any, messages: List[Any], **arguments: Any) -> Any:
        request = ChatRequest(messages, arguments)
        prompt = self._apply(request)
        text = prompt.prompt
        params = llama._sampling_params(
            temp=request.completion["temperature"],
            grammar=request.grammar,
            **{name: request.completion[name] for name in _SAMPLING},
        )
        preserved: List[int] = []
        make_reader: MakeReader = TextReader
        if request.grammar is not None:
            pass  # the caller knows what the answer looks like
        elif request.forced is not None:
            text += self._opening(request, prompt)
            params.grammar = arguments_grammar(request.forced)._grammar
            make_reader = partial(ForcedCallReader, request.forced["function"]["name"])
        elif request.tool_choice == "required" and not prompt.grammar:
            # The template knows no tool calls.
            params.grammar = schema_grammar(any_call_schema(request.tools))._grammar
            make_reader = AnyCallReader
        elif request.may_call or request.extra.get("reasoning_format", "none") != "none":
            preserved = self._constrain(params, prompt, request.tool_choice == "required")
            make_reader = partial(ParsedReader, prompt)
        elif request.schema is not None:
            preserved = self._constrain(params, prompt)
        job = _completion.prepare(
            llama,
            llama.tokenize(_completion.encode(text, "The prompt"), True, True),
            params,
            max_tokens=request.completion["max_tokens"],
            logprobs=request.logprobs,
            stop=[*request.stop, *prompt.additional_stops],
            seed=request.completion["seed"],
            model=request.completion["model"],
            processors=request.completion["logits_processor"],
            preserved=preserved,
        )
        run: Any = _completion.stream if request.stream else _completion.complete
        return respond(run(llama, job), make_reader)

    def _apply(
        self, request: ChatRequest, messages: Optional[List[Any]] = None
    ) -> _core.ChatPrompt:
        """Render the request; with `messages` those instead, and no beginning of an answer."""
        extra = dict(request.extra)
        parallel = self.templates.caps.get("supports_parallel_tool_calls", False)
        return self.templates.apply(
            to_json(with_whole_arguments(messages or request.messages), "The messages"),
            to_json(request.tools, "The tools") if request.tools else "",
            request.tool_choice,
            json_schema="" if request.schema is None else json.dumps(request.schema),
            add_generation_prompt=messages is None,
            parallel_tool_calls=bool(extra.pop("parallel_tool_calls", parallel)),
            enable_thinking=extra.pop("enable_thinking", True),
            reasoning_format=extra.pop("reasoning_format", "none"),
            kwargs={name: to_json(value, name) for name, value in extra.items()},
        )

    def _opening(self, request: ChatRequest, prompt: _core.ChatPrompt) -> str:
        """Return how this model begins a call of the forced tool, up to the arguments.

        It is what the template writes before the arguments of such a call; "" when it writes
        arguments in a form of its own, or writes the chat differently with an answer in it.
        """
        assert request.forced is not None
        arguments = {"argument": 0}
        call = {
            "id": "call_0",
            "type": "function",
            "function": {
                "name": request.forced["function"]["name"],
                "arguments": json.dumps(arguments),
            },
        }
        answer = {"role": "assistant", "content": None, "tool_calls": [call]}
        try:
            chat = self._apply(request, [*request.messages, answer]).prompt
        except LlamaError:
            return ""
        opening, found, _ = chat[len(prompt.prompt) :].partition(json.dumps(arguments))
        return opening if found and chat.startswith(prompt.prompt) else ""

    def _constrain(
        self, params: _core.SamplingParams, prompt: _core.ChatPrompt, must_call: bool = False
    ) -> List[int]:
        """Sample by the grammar of a prompt; returns the control tokens that its parser needs."""
        preserved = [
            ids[0]
            for ids in (
                self._model.tokenize(text.encode(), False, True) for text in prompt.preserved_tokens
            )
            if len(ids) == 1
        ]
        params.grammar = prompt.grammar
        if must_call and not prompt.supports_thinking:
            params.grammar = _LEADING_TEXT.sub(r"\1", prompt.grammar)
        params.grammar_lazy = prompt.grammar_lazy
        params.grammar_triggers = prompt.grammar_triggers
        params.preserved_tokens = preserved
        params.generation_prompt = prompt.generation_prompt
        return preserved

    def format(self, *, messages: List[Any], **arguments: Any) -> ChatFormatterResponse:
        """Return only the prompt that a call with these arguments uses."""
        prompt = self._apply(ChatRequest(messages, arguments))
        return ChatFormatterResponse(
            prompt=prompt.prompt, stop=list(prompt.additional_stops), added_special=False
        )


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
