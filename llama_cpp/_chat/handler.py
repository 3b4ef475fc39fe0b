"""The interfaces of chat handlers and chat formatters."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Optional, Protocol, Union

from .. import llama_types
from .._engine.grammar import LlamaGrammar
from .._engine.processors import LogitsProcessorList
from .._engine.session import Session
from .formatted import ChatFormatterResponse


class ChatModel(Protocol):
    """The part of Llama that the handlers of this package use."""

    _session: Session


class LlamaChatCompletionHandler(Protocol):
    """Answers a chat request: a dict, or with stream=True an iterator of chunks.

    The arguments are those of Llama.create_chat_completion(); unknown ones are for the template.
    """

    def __call__(
        self,
        *,
        llama: Any,  # Llama, which is built upon this package
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
        logits_processor: Optional[LogitsProcessorList] = None,
        grammar: Optional[LlamaGrammar] = None,
        logprobs: Optional[bool] = None,
        top_logprobs: Optional[int] = None,
        **kwargs: Any,
    ) -> Union[
        llama_types.CreateChatCompletionResponse,
        Iterator[llama_types.CreateChatCompletionStreamResponse],
    ]: ...


class ChatFormatter(Protocol):
    """Turns messages into a prompt, and names the end of the answer."""

    def __call__(
        self, *, messages: List[llama_types.ChatCompletionRequestMessage], **kwargs: Any
    ) -> ChatFormatterResponse: ...
