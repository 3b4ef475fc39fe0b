"""Reads the tests that upstream's `tests/CMakeLists.txt` registers with CTest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

# The functions of that file that register a test, and CMake's own.
_REGISTERING = ("llama_build_and_test", "llama_test", "llama_test_cmd", "add_test")
_CALL = re.compile(r"^\s*({})\(([^)]*(?:\$\{{[^)]*)?)\)".format("|".join(_REGISTERING)), re.M)
_KEYWORDS = {"NAME", "LABEL", "ARGS", "WORKING_DIRECTORY", "COMMAND"}
_FUNCTION = re.compile(r"^function\(.*?^endfunction\(\)", re.M | re.S)
_COMMENT = re.compile(r"(^|\s)#.*")
_WORD = re.compile(r'"([^"]*)"|(\S+)')


def registered(text: str) -> dict[str, list[str]]:
    """Returns name -> arguments of the tests, on every system and with every option.

    Args:
        text: The CMakeLists.txt. Variables in it stay as they are, such as `${MODEL_DEST}`.
    """
    return dict(_tests(_FUNCTION.sub("", _COMMENT.sub("", text))))


def _tests(text: str) -> Iterator[tuple[str, list[str]]]:
    for call in _CALL.finditer(text):
        words = [quoted or plain for quoted, plain in _WORD.findall(call[2])]
        keywords: dict[str, list[str]] = {"": []}
        values = keywords[""]
        for word in words:
            if word in _KEYWORDS:
                values = keywords[word] = []
            else:
                values.append(word)
        names = keywords.get("NAME") or [PurePosixPath(keywords[""][0]).stem]
        yield names[0], keywords.get("ARGS", [])
