"""instructor: objects of pydantic, by JSON schema and by tools, as its page on llama-cpp-python."""

from __future__ import annotations

import instructor
import pytest
from pydantic import BaseModel, Field

_ABOUT_NOAH = [{"role": "user", "content": "Describe Noah as JSON."}]


class Person(BaseModel):
    """A person"""

    name: str = Field(max_length=20)
    age: int = Field(ge=0, le=999)


def _create(llm, mode):
    return instructor.patch(create=llm.create_chat_completion_openai_v1, mode=mode)


@pytest.mark.parametrize("mode", [instructor.Mode.JSON_SCHEMA, instructor.Mode.TOOLS])
def test_the_answer_is_an_object(llm, mode):
    person = _create(llm, mode)(
        messages=_ABOUT_NOAH, response_model=Person, max_tokens=60, temperature=0, max_retries=1
    )
    assert isinstance(person, Person)
    assert person._raw_response.usage.completion_tokens > 0


def test_parts_of_the_object_are_streamed(llm):
    """The last part is the whole object."""
    parts = list(
        _create(llm, instructor.Mode.JSON_SCHEMA)(
            messages=_ABOUT_NOAH,
            response_model=instructor.Partial[Person],
            max_tokens=60,
            temperature=0,
            stream=True,
        )
    )
    assert len(parts) > 1
    assert Person.model_validate(parts[-1].model_dump())
