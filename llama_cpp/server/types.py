"""Bodies of requests, as the OpenAPI page shows them.

Only members that clients often send are named; all others are passed on to llama.cpp, which has the
types of all (tools/server/README.md of its sources).
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Union

from pydantic import BaseModel, ConfigDict, Field


class Body(BaseModel):
    """A body whose other members are passed on."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    model: Optional[str] = Field(
        default=None, description="Name of the model, as in /v1/models. Default: the first one."
    )


class _Sampling(Body):
    stream: Optional[bool] = Field(
        default=None, description="Send the answer in pieces, as it comes."
    )
    stream_options: Optional[Dict[str, Any]] = Field(
        default=None, description='{"include_usage": true}: the last piece has the usage.'
    )
    max_tokens: Optional[int] = Field(default=None, description="Most tokens of the answer.")
    temperature: Optional[float] = Field(
        default=None, ge=0, description="0 always takes the likeliest token, more is more varied."
    )
    top_p: Optional[float] = Field(
        default=None, description="Only the likeliest that sum up to this."
    )
    top_k: Optional[int] = Field(default=None, description="Only so many of the likeliest.")
    min_p: Optional[float] = Field(
        default=None, description="Only those at least this near the likeliest."
    )
    repeat_penalty: Optional[float] = Field(default=None, description="1 is none.")
    presence_penalty: Optional[float] = Field(default=None, description="0 is none.")
    frequency_penalty: Optional[float] = Field(default=None, description="0 is none.")
    mirostat_mode: Optional[int] = Field(default=None, ge=0, le=2, description="0: off.")
    mirostat_tau: Optional[float] = None
    mirostat_eta: Optional[float] = None
    seed: Optional[int] = Field(default=None, description="The same seed, the same answer.")
    stop: Union[str, List[str], None] = Field(
        default=None, description="Texts before which it ends."
    )
    logit_bias: Union[Dict[str, Any], List[Any], None] = Field(
        default=None, description="Token -> addition to its logit."
    )
    grammar: Optional[str] = Field(
        default=None, description="A GBNF grammar that the answer follows."
    )
    n: Optional[int] = Field(default=None, ge=1, description="Number of answers.")


class CreateCompletionRequest(_Sampling):
    """OpenAI's completion: the text that follows a prompt."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"prompt": "The three primary colours are", "max_tokens": 16}]
        }
    )

    prompt: Union[str, List[Any], Dict[str, Any]] = Field(
        default="", description="A text, tokens, or a list of these."
    )
    max_tokens: Optional[int] = Field(
        default=16, description="Most tokens of the answer; -1: no limit."
    )
    logprobs: Union[int, bool, None] = Field(
        default=None, description="Number of tokens whose probabilities are returned."
    )


class CreateChatCompletionRequest(_Sampling):
    """OpenAI's chat completion: the next message of a conversation."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "messages": [
                        {"role": "system", "content": "You are brief."},
                        {"role": "user", "content": "Name a colour of the sky."},
                    ]
                }
            ]
        }
    )

    messages: List[Dict[str, Any]] = Field(description="The conversation.")
    tools: Optional[List[Dict[str, Any]]] = Field(
        default=None, description="Functions that the model may call."
    )
    tool_choice: Union[str, Dict[str, Any], None] = Field(
        default=None, description="auto, none, required, or a function."
    )
    response_format: Optional[Dict[str, Any]] = Field(
        default=None, description='{"type": "json_object"}, or "json_schema" with its schema.'
    )
    logprobs: Optional[bool] = Field(
        default=None, description="Return probabilities of the tokens."
    )
    top_logprobs: Optional[int] = Field(
        default=None, ge=0, description="Of so many of the likeliest."
    )
    chat_template_kwargs: Optional[Dict[str, Any]] = Field(
        default=None, description="Arguments of the chat template."
    )


class CreateResponseRequest(Body):
    """OpenAI's response."""

    input: Union[str, List[Any]] = Field(description="A text, or a list of items.")
    instructions: Optional[str] = Field(default=None, description="A system message.")
    stream: Optional[bool] = None


class CreateMessageRequest(Body):
    """Anthropic's message."""

    messages: List[Dict[str, Any]] = Field(description="The conversation.")
    system: Union[str, List[Any], None] = Field(default=None, description="The system message.")
    max_tokens: Optional[int] = Field(default=None, description="Most tokens of the answer.")
    stream: Optional[bool] = None


class CreateEmbeddingRequest(Body):
    """OpenAI's embeddings of texts. The model is loaded with --embedding."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"input": "The sky is blue."}]})

    input: Union[str, List[Any], Dict[str, Any], None] = Field(
        default=None, description="A text, tokens, or a list of these."
    )
    encoding_format: Optional[str] = Field(default=None, description="float or base64.")


class RerankRequest(Body):
    """How well documents answer a query. The model is loaded with --pooling rank."""

    query: str
    documents: Optional[List[Any]] = None
    top_n: Optional[int] = Field(default=None, description="Return so many of the best.")


class InfillRequest(Body):
    """The text between two others."""

    input_prefix: str = ""
    input_suffix: str = ""
    input_extra: Optional[List[Any]] = None
    stream: Optional[bool] = None


class TokenizeRequest(Body):
    """llama-server's request for the tokens of a text."""

    content: Any = ""
    add_special: Optional[bool] = Field(default=None, description="Add BOS as the model wants it.")


class DetokenizeRequest(Body):
    """llama-server's request for the text of tokens."""

    tokens: List[int] = Field(default_factory=list)


class TemplateRequest(Body):
    """A chat, whose prompt is returned."""

    messages: List[Dict[str, Any]]


class SlotRequest(Body):
    """The file of a slot that is saved or restored."""

    filename: Optional[str] = Field(
        default=None, description="Name of the file, without a directory."
    )


class TokenizeInputRequest(Body):
    """llama-cpp-python's request for the tokens of a text."""

    input: str = Field(description="The text.")


class TokenizeInputResponse(BaseModel):
    tokens: List[int] = Field(description="The tokens.")


class TokenizeInputCountResponse(BaseModel):
    count: int = Field(description="The number of tokens.")


class DetokenizeInputRequest(Body):
    """llama-cpp-python's request for the text of tokens."""

    tokens: List[int] = Field(description="The tokens.")


class DetokenizeInputResponse(BaseModel):
    text: str = Field(description="The text.")


class ModelData(BaseModel):
    """A model of the server, as OpenAI describes one."""

    model_config = ConfigDict(extra="allow")

    id: str
    object: str = "model"
    created: int
    owned_by: str = "me"
    permissions: List[str] = Field(default_factory=list)


class ModelList(BaseModel):
    object: str = "list"
    data: List[ModelData]
    models: List[Dict[str, Any]] = Field(default_factory=list)
