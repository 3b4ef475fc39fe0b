"""The generator of declarations: C types it knows, and an error for everything else."""

from __future__ import annotations

import ctypes

import pytest
from c_types import Types, UnknownTypeError
from headers import Headers, values
from macros import as_enumerators, texts
from module import Module
from syntax_tree import Enum, Function, Named, Record, Typedef, declarations

TYPES = Types({"point"}, {"hidden"}, {"token": "int32_t", "hook": "void (*)(int, const char *)"})


@pytest.mark.parametrize(
    ("c_type", "expected"),
    [
        ("int32_t", ctypes.c_int32),
        ("const unsigned char *", ctypes.POINTER(ctypes.c_uint8)),
        ("const char *", ctypes.c_char_p),
        ("const char **", ctypes.POINTER(ctypes.c_char_p)),
        ("void *", ctypes.c_void_p),
        ("struct hidden *", ctypes.c_void_p),
        ("struct hidden **", ctypes.POINTER(ctypes.c_void_p)),
        ("token", ctypes.c_int32),
        ("enum colour", ctypes.c_int),
        ("float[4]", ctypes.c_float * 4),
        ("hook", ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p)),
        ("size_t (*)(void)", ctypes.CFUNCTYPE(ctypes.c_size_t)),
    ],
)
def test_types(c_type, expected):
    assert eval(TYPES.expression(c_type), {"ctypes": ctypes}) == expected


@pytest.mark.parametrize(
    "c_type", ["long double", "hidden", "...", "int (bit-field)", "_Complex double", "unheard_of *"]
)
def test_other_types_are_an_error(c_type):
    with pytest.raises(UnknownTypeError):
        TYPES.expression(c_type)


def test_a_function_that_ctypes_cannot_call_is_an_error():
    printf = Function("my_printf", "int", (Named("...", "..."),), "", "")
    with pytest.raises(UnknownTypeError, match=r"\.\.\."):
        Headers([("my.h", printf)], {"my.h": ""})


def test_a_struct_of_another_header_comes_along():
    found = [
        ("other.h", Record("pair", False, (Named("a", "int"), Named("b", "float")), (), "")),
        ("other.h", Record("unused", False, (Named("a", "int"),), (), "")),
        ("my.h", Function("first", "int", (Named("value", "struct pair"),), "Says it.", "")),
    ]
    headers = Headers(found, {"my.h": ""})
    assert [record.name for record in headers.records] == ["pair"]
    text = Module(headers, "mine").text()
    assert "class pair(ctypes.Structure)" in text and "'Says it.'" in text


def test_macros():
    header = """
#define MY_H
#define MY_API __attribute__ ((visibility ("default")))
#define MY_NUMBER 12u // a dozen
#   define MY_MAGIC   0x67676c61u /* 'ggla' */
#define MY_OTHER MY_MAGIC
#define MY_NEGATIVE (-1)
#define MY_TEXT "general.alignment"
#define MY_CALL(x) (x)
#define MY_NUMBER 13
"""
    assert texts(header) == {"MY_TEXT": b"general.alignment"}
    code = as_enumerators(header)
    for name in ("MY_NUMBER", "MY_MAGIC", "MY_OTHER", "MY_NEGATIVE"):
        assert code.count(f"enum {{ generated_{name} = {name} }};") == 1
    for name in ("MY_H", "MY_API", "MY_CALL", "MY_TEXT"):
        assert name not in code
    found = [("", Enum("", {"generated_MY_NUMBER": 13})), ("my.h", Enum("", {"RED": 1}))]
    assert values(found, {"my.h": header}) == {
        "MY_TEXT": b"general.alignment",
        "MY_NUMBER": 13,
        "RED": 1,
    }


def test_syntax_tree():
    """clang names a file only where it differs from the one before."""
    tree = """{"inner": [
        {"kind": "EnumDecl", "name": "colour", "loc": {"file": "/a/my.h"}, "inner": [
            {"kind": "EnumConstantDecl", "name": "RED"},
            {"kind": "EnumConstantDecl", "name": "BLUE", "inner": [
                {"kind": "ImplicitCastExpr", "inner": [{"kind": "ConstantExpr", "value": "7"}]}]},
            {"kind": "EnumConstantDecl", "name": "GREEN"}]},
        {"kind": "TypedefDecl", "name": "token", "loc": {}, "type": {"qualType": "int"}}
    ]}"""
    assert list(declarations(tree)) == [
        ("my.h", Enum("colour", {"RED": 0, "BLUE": 7, "GREEN": 8})),
        ("my.h", Typedef("token", "int", "")),
    ]
