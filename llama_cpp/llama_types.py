"""Shapes of requests and responses, after OpenAI's API.

All are plain dicts at run time. They exist for type checkers and for libraries (pydantic, FastAPI)
that build validators from them; those need typing_extensions' TypedDict before Python 3.12.
"""

import sys
from typing import Any, Dict, List, Literal, Optional, Union

if sys.version_info >= (3, 12):
    from typing import NotRequired, TypedDict
else:
    from typing_extensions import NotRequired, TypedDict

# Not recursive: pydantic cannot build a validator for a recursive alias.
JsonType = Union[None, int, str, bool, List[Any], Dict[str, Any]]

# ---- embeddings


class EmbeddingUsage(TypedDict):
    """Counts of tokens of an embedding request."""

    prompt_tokens: int
    total_tokens: int


class Embedding(TypedDict):
    """The vector of one input; with pooling type NONE one vector per token."""

    index: int
    object: str
    embedding: Union[List[float], List[List[float]]]


class CreateEmbeddingResponse(TypedDict):
    """The answer of ``Llama.create_embedding()``."""

    object: Literal["list"]
    model: str
    data: List[Embedding]
    usage: EmbeddingUsage


# ---- text completion


class CompletionLogprobs(TypedDict):
    """Log probabilities of a completion's tokens; offsets are in characters."""

    text_offset: List[int]
    token_logprobs: List[Optional[float]]
    tokens: List[str]
    top_logprobs: List[Optional[Dict[str, float]]]


class CompletionChoice(TypedDict):
    """One completion."""

    text: str
    index: int
    logprobs: Optional[CompletionLogprobs]
    finish_reason: Optional[Literal["stop", "length"]]


class PromptTokensDetails(TypedDict):
    """Counts of tokens of a prompt: those that an earlier call has evaluated."""

    cached_tokens: int


class CompletionUsage(TypedDict):
    """Counts of tokens of a request for text."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: NotRequired[PromptTokensDetails]


class CreateCompletionResponse(TypedDict):
    """The answer of ``Llama.create_completion()``."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: List[CompletionChoice]
    usage: NotRequired[CompletionUsage]


class CreateCompletionStreamResponse(TypedDict):
    """A chunk of ``Llama.create_completion(stream=True)``.

    It has `usage` only if ``stream_options`` ask for it: the last chunk, without choices, has the
    numbers, the others None.
    """

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: List[CompletionChoice]
    usage: NotRequired[Optional[CompletionUsage]]


class ChatCompletionStreamOptions(TypedDict, total=False):
    """How a stream differs from the default."""

    include_usage: bool
    include_obfuscation: bool  # has no effect: chunks are not padded against eavesdroppers


ChatCompletionReasoningFormat = Literal["none", "auto", "deepseek", "deepseek-legacy"]


# ---- chat completion: responses


class ChatCompletionResponseFunctionCall(TypedDict):
    """A call of the older kind (``functions``); `arguments` is JSON text."""

    name: str
    arguments: str


class ChatCompletionMessageToolCallFunction(TypedDict):
    """The function of a tool call; `arguments` is JSON text."""

    name: str
    arguments: str


class ChatCompletionMessageToolCall(TypedDict):
    """A call that the model asks for."""

    id: str
    type: Literal["function"]
    function: ChatCompletionMessageToolCallFunction


ChatCompletionMessageToolCalls = List[ChatCompletionMessageToolCall]


class ChatCompletionResponseMessage(TypedDict):
    """The answer of the model."""

    content: Optional[str]
    tool_calls: NotRequired[ChatCompletionMessageToolCalls]
    role: Literal["assistant", "function"]
    function_call: NotRequired[ChatCompletionResponseFunctionCall]  # deprecated by OpenAI
    reasoning_content: NotRequired[str]  # only with reasoning_format, see TemplateChatHandler


class ChatCompletionTopLogprobToken(TypedDict):
    """A token that could have stood in a place of the answer."""

    token: str
    logprob: float
    bytes: Optional[List[int]]


class ChatCompletionLogprobToken(ChatCompletionTopLogprobToken):
    """A token of the answer, with the best ones in its place."""

    token: str
    logprob: float
    bytes: Optional[List[int]]
    top_logprobs: List[ChatCompletionTopLogprobToken]


class ChatCompletionLogprobs(TypedDict):
    """Log probabilities of the answer's tokens."""

    content: Optional[List[ChatCompletionLogprobToken]]
    refusal: Optional[List[ChatCompletionLogprobToken]]


class ChatCompletionResponseChoice(TypedDict):
    """One answer."""

    index: int
    message: ChatCompletionResponseMessage
    logprobs: Optional[ChatCompletionLogprobs]
    finish_reason: Optional[str]


class CreateChatCompletionResponse(TypedDict):
    """The answer of ``Llama.create_chat_completion()``."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: List[ChatCompletionResponseChoice]
    usage: CompletionUsage


# ---- chat completion: chunks of a stream


class ChatCompletionMessageToolCallChunkFunction(TypedDict):
    """A piece of a tool call's function; `arguments` is a piece of JSON text."""

    name: Optional[str]
    arguments: str


class ChatCompletionMessageToolCallChunk(TypedDict):
    """A piece of a tool call; pieces with the same `index` belong together."""

    index: int
    id: NotRequired[str]
    type: Literal["function"]
    function: ChatCompletionMessageToolCallChunkFunction


class ChatCompletionStreamResponseDeltaEmpty(TypedDict):
    """The last delta of a stream, without content."""

    pass


class ChatCompletionStreamResponseDeltaFunctionCall(TypedDict):
    """A piece of a call of the older kind (``functions``)."""

    name: str
    arguments: str


class ChatCompletionStreamResponseDelta(TypedDict):
    """The piece of the message that a chunk adds."""

    content: NotRequired[Optional[str]]
    function_call: NotRequired[Optional[ChatCompletionStreamResponseDeltaFunctionCall]]
    tool_calls: NotRequired[Optional[List[ChatCompletionMessageToolCallChunk]]]
    role: NotRequired[Optional[Literal["system", "user", "assistant", "tool"]]]
    reasoning_content: NotRequired[Optional[str]]


class ChatCompletionStreamResponseChoice(TypedDict):
    """The piece of an answer that a chunk adds."""

    index: int
    delta: Union[ChatCompletionStreamResponseDelta, ChatCompletionStreamResponseDeltaEmpty]
    finish_reason: Optional[Literal["stop", "length", "tool_calls", "function_call"]]
    logprobs: NotRequired[Optional[ChatCompletionLogprobs]]


class CreateChatCompletionStreamResponse(TypedDict):
    """A chunk of ``Llama.create_chat_completion(stream=True)``.

    It has `usage` only if ``stream_options`` ask for it: the last chunk, without choices, has the
    numbers, the others None.
    """

    id: str
    model: str
    object: Literal["chat.completion.chunk"]
    created: int
    choices: List[ChatCompletionStreamResponseChoice]
    usage: NotRequired[Optional[CompletionUsage]]


# ---- chat completion: requests


class ChatCompletionFunction(TypedDict):
    """A function that the model may call; `parameters` is a JSON schema."""

    name: str
    description: NotRequired[str]
    parameters: Dict[str, JsonType]  # a JSON schema


class ChatCompletionFunctions(TypedDict):
    """A function of the older kind (``functions``); `parameters` is a JSON schema."""

    name: str
    description: NotRequired[str]
    parameters: Dict[str, JsonType]


class ChatCompletionFunctionCallOption(TypedDict):
    """The function that a call of the older kind has to name."""

    name: str


class ChatCompletionRequestJsonSchema(TypedDict):
    """The schema of a ``response_format`` of type json_schema."""

    name: NotRequired[str]
    schema: Dict[str, Any]
    strict: NotRequired[Optional[bool]]


class ChatCompletionRequestResponseFormat(TypedDict):
    """The JSON that an answer has to be."""

    type: Literal["text", "json_object", "json_schema"]
    schema: NotRequired[JsonType]  # with json_object
    json_schema: NotRequired[ChatCompletionRequestJsonSchema]  # with json_schema


class ChatCompletionRequestMessageContentPartText(TypedDict):
    """A text as a part of a message."""

    type: Literal["text"]
    text: str


class ChatCompletionRequestMessageContentPartImageImageUrl(TypedDict):
    """The address of an image."""

    url: str
    detail: NotRequired[Literal["auto", "low", "high"]]


class ChatCompletionRequestMessageContentPartImage(TypedDict):
    """An image as a part of a message."""

    type: Literal["image_url"]
    image_url: Union[str, ChatCompletionRequestMessageContentPartImageImageUrl]


ChatCompletionRequestMessageContentPart = Union[
    ChatCompletionRequestMessageContentPartText, ChatCompletionRequestMessageContentPartImage
]


class ChatCompletionRequestSystemMessage(TypedDict):
    """The instructions of a chat."""

    role: Literal["system"]
    content: Optional[str]


class ChatCompletionRequestUserMessage(TypedDict):
    """A message of the user."""

    role: Literal["user"]
    content: Optional[Union[str, List[ChatCompletionRequestMessageContentPart]]]


class ChatCompletionRequestAssistantMessageFunctionCall(TypedDict):
    """A call of the older kind in an earlier answer."""

    name: str
    arguments: str


class ChatCompletionRequestAssistantMessage(TypedDict):
    """An earlier answer of the model."""

    role: Literal["assistant"]
    content: NotRequired[str]
    tool_calls: NotRequired[ChatCompletionMessageToolCalls]
    function_call: NotRequired[ChatCompletionRequestAssistantMessageFunctionCall]


class ChatCompletionRequestToolMessage(TypedDict):
    """The result of a tool call."""

    role: Literal["tool"]
    content: Optional[str]
    tool_call_id: str


class ChatCompletionRequestFunctionMessage(TypedDict):
    """The result of a call of the older kind."""

    role: Literal["function"]
    content: Optional[str]
    name: str


ChatCompletionRequestMessage = Union[
    ChatCompletionRequestSystemMessage,
    ChatCompletionRequestUserMessage,
    ChatCompletionRequestAssistantMessage,
    ChatCompletionRequestToolMessage,
    ChatCompletionRequestFunctionMessage,
]


class ChatCompletionRequestFunctionCallOption(TypedDict):
    """The function that the model has to call (``function_call``)."""

    name: str


ChatCompletionRequestFunctionCall = Union[
    Literal["none", "auto"], ChatCompletionRequestFunctionCallOption
]

ChatCompletionFunctionParameters = Dict[str, JsonType]


class ChatCompletionToolFunction(TypedDict):
    """A function as a tool; `parameters` is a JSON schema of its arguments."""

    name: str
    description: NotRequired[str]
    parameters: ChatCompletionFunctionParameters


class ChatCompletionTool(TypedDict):
    """A tool that the model may call."""

    type: Literal["function"]
    function: ChatCompletionToolFunction


class ChatCompletionNamedToolChoiceFunction(TypedDict):
    """The name of the tool to call."""

    name: str


class ChatCompletionNamedToolChoice(TypedDict):
    """The tool that the model has to call (``tool_choice``)."""

    type: Literal["function"]
    function: ChatCompletionNamedToolChoiceFunction


ChatCompletionToolChoiceOption = Union[
    Literal["none", "auto", "required"], ChatCompletionNamedToolChoice
]

# ---- shorter names for the same types

EmbeddingData = Embedding
Completion = CreateCompletionResponse
CompletionChunk = CreateCompletionStreamResponse
ChatCompletion = CreateChatCompletionResponse
ChatCompletionChoice = ChatCompletionResponseChoice
ChatCompletionMessage = ChatCompletionResponseMessage
ChatCompletionChunk = CreateChatCompletionStreamResponse
ChatCompletionChunkChoice = ChatCompletionStreamResponseChoice
ChatCompletionChunkDelta = ChatCompletionStreamResponseDelta
ChatCompletionChunkDeltaEmpty = ChatCompletionStreamResponseDeltaEmpty
ChatCompletionStreamResponse = CreateChatCompletionStreamResponse
ChatCompletionResponseFunction = ChatCompletionFunction
ChatCompletionFunctionCall = ChatCompletionResponseFunctionCall

_PREFIXES = ("Chat", "Completion", "Create", "Embedding", "JsonType", "NotRequired", "TypedDict")
__all__ = [name for name in globals() if name.startswith(_PREFIXES)]
