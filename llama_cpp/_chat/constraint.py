"""Decides by which grammar an answer is generated, and how its text is read."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Callable, Optional, Protocol, Sequence, Union

from .. import _core
from .._engine.grammar import LlamaGrammar
from .readers import AnyCallReader, ForcedCallReader, Reader, TextReader
from .request import ChatRequest
from .schemas import any_call_schema, arguments_grammar, schema_grammar
from .thoughts import ThoughtReader, Thoughts

MakeReader = Callable[[str], Reader]  # from the id of the completion


@dataclasses.dataclass
class Constraint:
    """A grammar and a reader.

    Attributes:
        grammar: GBNF or a LlamaGrammar; None leaves the answer free.
        make_reader: makes the reader of the answer.
        opening: the beginning of the answer, which is given to the model.
        preserved: control tokens that are shown as text.
        thoughts: how the model thinks; None under a grammar that leaves no room for it.
        given: the beginning of the answer in the prompt, which the grammar covers.
    """

    grammar: Union[LlamaGrammar, str, None] = None
    make_reader: MakeReader = TextReader
    opening: str = ""
    preserved: Sequence[int] = ()
    thoughts: Optional[Thoughts] = None
    given: str = ""

    def complete(self, params: _core.SamplingParams) -> None:
        """Sets parameters that belong to the grammar beside its text."""
        params.generation_prompt = self.given


class NativeFormat(Protocol):
    """A prompt whose template says how the model writes tool calls."""

    has_grammar: bool  # whether it knows tool calls

    def opening(self, request: ChatRequest) -> str:
        """Returns the text before the arguments of a call of the forced tool."""
        ...

    def constraint(self, must_call: bool, parsed: bool) -> Constraint:
        """Returns the constraint of the model's own format, which is read as such if `parsed`."""
        ...


def constrain(
    request: ChatRequest, thoughts: Thoughts, native: Optional[NativeFormat] = None
) -> Constraint:
    """Returns the constraint of an answer.

    `thoughts` are those of a model that is free to think. The grammar is the first of these that
    the request has: the caller's grammar, a forced tool, any tool, tools that may be called or
    thoughts to be read, a schema of the answer.
    """
    if request.grammar is not None:
        return Constraint(request.grammar)
    if request.forced is not None:
        reader = partial(ForcedCallReader, request.forced["function"]["name"])
        opening = "" if native is None else native.opening(request)
        return Constraint(arguments_grammar(request.forced), reader, opening)
    must_call = bool(request.tools) and request.tool_choice == "required"
    if must_call and not (native and native.has_grammar):
        return Constraint(schema_grammar(any_call_schema(request.tools)), AnyCallReader)
    reads_thoughts = request.reasoning_format != "none"
    if native is not None and (request.may_call or reads_thoughts):
        return native.constraint(must_call, parsed=True)
    if request.schema is None:
        make_reader = partial(ThoughtReader, thoughts) if reads_thoughts else TextReader
        return Constraint(make_reader=make_reader, thoughts=thoughts)
    # llama.cpp's grammar has no place for a thought in the prompt, unless thoughts are read.
    if native is not None and thoughts.start not in thoughts.given:
        return native.constraint(must_call=False, parsed=False)
    opening = thoughts.ends[0] + "\n\n" if native is not None and thoughts.begun else ""
    return Constraint(schema_grammar(request.schema), opening=opening, given=request.given)
