"""Grammars in llama.cpp's GBNF notation, under llama-cpp-python's names."""

from ._engine.grammar import (
    ARITHMETIC_GBNF,
    C_GBNF,
    CHESS_GBNF,
    JAPANESE_GBNF,
    JSON_ARR_GBNF,
    JSON_GBNF,
    LIST_GBNF,
    LLAMA_GRAMMAR_DEFAULT_ROOT,
    LlamaGrammar,
    SchemaConverter,
    json_schema_to_gbnf,
)

__all__ = [
    "ARITHMETIC_GBNF",
    "CHESS_GBNF",
    "C_GBNF",
    "JAPANESE_GBNF",
    "JSON_ARR_GBNF",
    "JSON_GBNF",
    "LIST_GBNF",
    "LLAMA_GRAMMAR_DEFAULT_ROOT",
    "LlamaGrammar",
    "SchemaConverter",
    "json_schema_to_gbnf",
]
