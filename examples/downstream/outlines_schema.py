"""Outlines: an object of a pydantic class, and a text of a regular expression.

pip install llama-cpp-python "outlines[llamacpp]"
python outlines_schema.py MODEL.gguf "Describe Noah as JSON."
"""

from __future__ import annotations

import sys

import outlines
from outlines.types import Regex
from pydantic import BaseModel, Field

from llama_cpp import Llama


class Person(BaseModel):
    name: str = Field(max_length=40)
    age: int = Field(ge=0, le=999)


def main(path: str, request: str) -> None:
    model = outlines.from_llamacpp(Llama(path, n_ctx=0, verbose=False))
    person = Person.model_validate_json(model(request, Person, max_tokens=100))
    print(f"{person.name} is {person.age} years old")
    print(model("How long was the ark?", Regex("[1-9][0-9]{1,2} (cubits|feet)"), max_tokens=20))


if __name__ == "__main__":
    main(*sys.argv[1:])
