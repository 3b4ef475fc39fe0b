"""The declarations for ctypes are those that the C++ compiler sees, and none is missing."""

from __future__ import annotations

import ctypes
import json
import os
import re
import subprocess
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from llama_cpp import llama_cpp as low
from llama_cpp import mtmd_cpp
from llama_cpp._capi import constants
from llama_cpp._capi.libraries import library
from llama_cpp._ctypes_extensions import library_path

FACTS = json.loads(subprocess.check_output([os.environ["ABI_FACTS"]]))
LIBRARIES = {"gguf": "ggml-base", "llama": "llama", "mtmd": "mtmd"}
# Of a patch (third_party/llama.cpp/patches); no header declares it.
OWN = {"llama_set_interrupt_callback"}
# The numbers of the peer, llama-cpp-python 0.3.36: functions of llama.h and of mtmd.h, structs.
PEER_FUNCTIONS = {"llama": 253, "mtmd": 84}
PEER_STRUCTS = 21


def names(pattern: str) -> list[str]:
    return sorted(match[1] for match in map(re.compile(pattern).fullmatch, FACTS) if match)


def find(name: str) -> Any:
    return getattr(mtmd_cpp if name.startswith("mtmd") else low, name)


def kind(c_type: Any) -> str:
    """Returns kind and size of a ctypes type, as abi_facts.cpp writes them."""
    if c_type is None:
        return "void"
    if issubclass(c_type, (ctypes.Structure, ctypes.Union)):
        return f"s{ctypes.sizeof(c_type)}"
    code = getattr(c_type, "_type_", None)
    if not isinstance(code, str) or code in "PzZO":
        return "p"
    if code == "?":
        return "bool"
    letter = "f" if code in "fdg" else "i" if code.islower() else "u"
    return f"{letter}{ctypes.sizeof(c_type)}"


@pytest.mark.parametrize("name", names(r"sizeof (\w+)"))
def test_struct(name):
    struct = find(name)
    assert ctypes.sizeof(struct) == int(FACTS[f"sizeof {name}"])
    members = [member for member, *_ in struct._fields_]
    found = {
        member: f"{getattr(struct, member).offset} {getattr(struct, member).size}"
        for member in members
        if f"{name}.{member}" in FACTS
    }
    expected = {key.partition(".")[2]: FACTS[key] for key in FACTS if key.startswith(f"{name}.")}
    assert found == expected
    anonymous = getattr(struct, "_anonymous_", ())
    assert set(members) - set(found) == set(anonymous)


@pytest.mark.parametrize("name", names(r"(\w+)\(\)"))
def test_function(name):
    raw = getattr(library(LIBRARIES[name.partition("_")[0]]).cdll, name)
    assert " ".join(map(kind, [raw.restype, *raw.argtypes])) == FACTS[f"{name}()"]
    assert callable(find(name))


def test_numbers():
    numbers = {name: value for name, value in vars(constants).items() if isinstance(value, int)}
    assert {name: str(value) for name, value in numbers.items()} == {
        name: FACTS[name] for name in names(r"([A-Z]\w+)")
    }


@pytest.mark.parametrize("prefix", LIBRARIES)
def test_every_exported_function_is_declared(prefix):
    with open(library_path(LIBRARIES[prefix]), "rb") as file:
        symbols = ELFFile(file).get_section_by_name(".dynsym")
        exported = {
            symbol.name
            for symbol in symbols.iter_symbols()
            if symbol["st_shndx"] != "SHN_UNDEF" and symbol.name.startswith(f"{prefix}_")
        }
    declared = set(names(rf"({prefix}_\w+)\(\)"))
    assert exported and exported - declared == OWN & exported
    assert len(declared) >= PEER_FUNCTIONS.get(prefix, 1)


def test_number_of_structs():
    assert len([name for name in names(r"sizeof (\w+)") if name.startswith("llama_")]) >= (
        PEER_STRUCTS
    )


def test_documentation_is_upstreams():
    text = low.llama_tokenize.__doc__
    assert "Convert the provided text into tokens." in text
    assert "Returns the number of tokens on success" in text
    assert "tokens: The tokens pointer must be large enough" in text
    deprecated = low.llama_load_model_from_file.__doc__
    assert "Deprecated: use llama_model_load_from_file instead" in deprecated
