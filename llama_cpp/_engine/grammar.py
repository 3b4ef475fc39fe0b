"""Grammars in llama.cpp's GBNF notation, from the user or made from a JSON schema."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional

from .. import _core
from .._errors import GrammarError
from . import json_schema as schemas
from . import kinds, paths

LLAMA_GRAMMAR_DEFAULT_ROOT = "root"


class LlamaGrammar:
    """A checked grammar. Its text is in ``_grammar``; generation starts at the rule ``root``."""

    def __init__(self, *args: Any, _grammar: str, **kwargs: Any):
        self._grammar = _grammar
        self._root = LLAMA_GRAMMAR_DEFAULT_ROOT

    @classmethod
    def from_string(cls, grammar: str, verbose: bool = True) -> LlamaGrammar:
        """Makes a grammar from GBNF text.

        Raises GrammarError (a ValueError) with the line and the reason when it does not parse.
        `verbose` does nothing; llama-cpp-python has it.
        """
        _core.check_grammar(kinds.text("grammar", grammar), LLAMA_GRAMMAR_DEFAULT_ROOT)
        return cls(_grammar=grammar)

    @classmethod
    def from_file(cls, file: paths.StrPath, verbose: bool = True) -> LlamaGrammar:
        """Makes a grammar from a GBNF file. GrammarError when it cannot be read or is empty."""
        try:
            grammar = paths.read_text(kinds.path("file", file))
        except (OSError, ValueError) as error:
            name = paths.shown(file)
            raise GrammarError(f"The grammar file {name} could not be read: {error}") from error
        if not grammar.strip():
            raise GrammarError(
                f"The grammar file {paths.shown(file)} is empty; it needs a rule `root ::= ...`"
            )
        return cls.from_string(grammar, verbose=verbose)

    @classmethod
    def from_json_schema(cls, json_schema: str, verbose: bool = True) -> LlamaGrammar:
        """Makes a grammar for the JSON that `json_schema` (JSON text) describes.

        Raises GrammarError when the text is no JSON or the schema asks for something that cannot
        be expressed. Keywords that llama.cpp's grammars don't enforce cost one warning.
        """
        schema = _json_text("json_schema", json_schema)
        return cls.from_string(json_schema_to_gbnf(schema), verbose=verbose)


def json_schema_to_gbnf(schema: str, prop_order: Optional[List[str]] = None) -> str:
    """Returns the GBNF text for a JSON schema (JSON text).

    Properties appear in the order of the schema; those named in `prop_order` come first, in its
    order. Keywords that llama.cpp's grammars don't enforce cost one warning.
    """
    _json_text("schema", schema)
    order = kinds.texts("prop_order", prop_order) if prop_order else []
    rank = {name: index for index, name in enumerate(order)}
    return schema_to_gbnf(_parse(schema), "The JSON schema", rank)


def schema_to_gbnf(schema: Any, where: str = "", rank: Optional[Dict[str, int]] = None) -> str:
    """Returns the GBNF text for a JSON schema; `where` names it in a warning, "": no warning."""
    prepared = schemas.prepare(schema)
    ordered = reorder(prepared.schema, rank) if rank else prepared.schema
    text = _core.json_schema_to_grammar(json.dumps(ordered))
    if where:
        schemas.warn_dropped(prepared, where)
    return text


def _json_text(name: str, schema: Any) -> str:
    if isinstance(schema, str):
        return schema
    raise TypeError(
        f"{name} has to be JSON text (a string), not {type(schema).__name__}:"
        f" pass json.dumps({name})"
    )


def _parse(schema: str) -> Any:
    try:
        return json.loads(schema)
    except RecursionError:
        raise GrammarError("The JSON schema nests too deep") from None
    except ValueError as error:
        raise GrammarError(f"The JSON schema is not valid JSON: {error}") from error


def reorder(schema: Any, rank: Dict[str, int]) -> Any:
    """Sorts every ``properties`` object by `rank`; names without one keep their order behind."""
    if isinstance(schema, list):
        return [reorder(item, rank) for item in schema]
    if not isinstance(schema, dict):
        return schema
    ordered = {key: reorder(value, rank) for key, value in schema.items()}
    properties = ordered.get("properties")
    if isinstance(properties, dict):
        names = sorted(properties, key=lambda name: rank.get(name, len(rank)))
        ordered["properties"] = {name: properties[name] for name in names}
    return ordered


# ---- ready-made grammars

JSON_GBNF = r"""
root   ::= object
value  ::= object | array | string | number | "true" | "false" | "null"
object ::= "{" ws ( member ( "," ws member )* )? "}"
member ::= string ws ":" ws value ws
array  ::= "[" ws ( value ws ( "," ws value ws )* )? "]"
string ::= "\"" ( [^"\\\x00-\x1F] | "\\" ( ["\\/bfnrt] | "u" hex hex hex hex ) )* "\""
hex    ::= [0-9a-fA-F]
number ::= "-"? ( "0" | [1-9] [0-9]{0,15} ) ( "." [0-9]{1,16} )? ( [eE] [-+]? [0-9]{1,3} )?
ws     ::= [ \t\n]{0,20}
"""
"""Any JSON object."""

JSON_ARR_GBNF = JSON_GBNF.replace("root   ::= object", "root   ::= array")
"""Any JSON array."""

LIST_GBNF = r"""
root ::= item+
item ::= "- " [^\r\n]+ "\n"
"""
"""A Markdown list of "- " items, one a line."""

ARITHMETIC_GBNF = r"""
root    ::= equation+
equation ::= sum "=" ws value "\n"
sum     ::= value ( [-+*/] ws value )*
value   ::= ( name | number | "(" ws sum ")" ) ws
name    ::= [a-z] [a-z0-9_]*
number  ::= [0-9]+
ws      ::= [ \t]*
"""
"""Equations of integers, names, the four operations and parentheses, one a line."""

CHESS_GBNF = r"""
root    ::= turn+
turn    ::= [1-9] [0-9]? ". " move " " move "\n"
move    ::= ( piece | pawn | castle ) [+#]?
piece   ::= [KQRBN] [a-h]? [1-8]? "x"? square
pawn    ::= ( [a-h] "x" )? square ( "=" [QRBN] )?
castle  ::= "O-O" ( "-O" )?
square  ::= [a-h] [1-8]
"""
"""A game of chess in algebraic notation, one numbered pair of moves a line."""

JAPANESE_GBNF = r"""
root     ::= sentence+ ( [ \t\n] sentence+ )*
sentence ::= hiragana | katakana | mark | kanji
hiragana ::= [ぁ-ゟ]
katakana ::= [ァ-ヿ]
mark     ::= [、-〾]
kanji    ::= [一-鿿]
"""
"""Japanese script: kana, kanji and punctuation."""

C_GBNF = r"""
root      ::= function*
function  ::= type name "(" ws ( parameter ( "," ws parameter )* )? ")" ws block
parameter ::= type name
block     ::= "{" ws statement* "}" ws
statement ::= declare | assign | call ";" ws | return | if | while | block
declare   ::= type name ( "=" ws sum )? ";" ws
assign    ::= name "=" ws sum ";" ws
return    ::= "return" ( gap sum )? ws ";" ws
if        ::= "if" ws "(" ws test ")" ws block ( "else" ws block )?
while     ::= "while" ws "(" ws test ")" ws block
test      ::= sum ( "==" | "!=" | "<=" | ">=" | "<" | ">" ) ws sum
sum       ::= term ( [-+] ws term )*
term      ::= factor ( [*/] ws factor )*
factor    ::= call | name | number | "(" ws sum ")" ws
call      ::= name "(" ws ( sum ( "," ws sum )* )? ")" ws
type      ::= ( "int" | "float" | "char" | "void" ) gap
name      ::= [a-zA-Z_] [a-zA-Z_0-9]* ws
number    ::= [0-9]+ ( "." [0-9]+ )? ws
gap       ::= [ \t\n]+
ws        ::= [ \t\n]*
"""
"""A small subset of C: functions, assignments, calls, if and while."""
