"""Turns a text into JSON of a given form.

python json_schema.py MODEL.gguf "Anna Berg is 34 years old and lives in Oslo."
"""

from __future__ import annotations

import json
import sys
from typing import Any, Dict

from llama_cpp import Llama

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 40},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "city": {"type": "string", "maxLength": 40},
    },
    "required": ["name", "age", "city"],
}


def extract(llm: Llama, text: str) -> Dict[str, Any]:
    """Returns what the text says of a person."""
    chat: Any = llm.create_chat_completion(
        [{"role": "user", "content": f"Write as JSON: {text}"}],
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "person", "schema": SCHEMA},
        },
        temperature=0.0,
    )
    return json.loads(chat["choices"][0]["message"]["content"])


if __name__ == "__main__":
    print(json.dumps(extract(Llama(sys.argv[1], n_ctx=0, verbose=False), sys.argv[2])))
