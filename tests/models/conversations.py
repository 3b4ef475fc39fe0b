"""Made-up conversations, so that the small model answers chat prompts, JSON and tools in kind.

The answers come out of tables and rules in this file. The point is the form (turns end, JSON is
closed, a tool is called by name), not knowledge.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2

Message = dict[str, Any]
TEMPLATE = (Path(__file__).parent / "chat_template.jinja").read_text()

CAPITALS = {
    "France": "Paris",
    "Italy": "Rome",
    "Spain": "Madrid",
    "Germany": "Berlin",
    "England": "London",
    "Egypt": "Cairo",
    "Japan": "Tokyo",
    "Greece": "Athens",
    "Norway": "Oslo",
    "Cuba": "Havana",
    "Peru": "Lima",
    "Russia": "Moscow",
}
OPPOSITES = {
    "hot": "cold",
    "day": "night",
    "good": "evil",
    "old": "young",
    "high": "low",
    "light": "darkness",
    "war": "peace",
    "first": "last",
    "rich": "poor",
    "life": "death",
}
COLOURS = {"sky": "blue", "grass": "green", "snow": "white", "blood": "red", "sun": "yellow"}
AGES = {"Adam": 930, "Noah": 950, "Abraham": 175, "Sarah": 127, "Moses": 120, "Joseph": 110}
NAMES = sorted(AGES) + ["David", "Solomon", "Ruth", "Jacob", "Isaac", "Peter", "Paul", "Mary"]
SYSTEM_PROMPTS = ["You are a helpful assistant.", "Answer in one line.", "Be brief."]


def conversations(verses: list[str], count: int, seed: int) -> list[str]:
    """Yields ``count`` conversations of one to three exchanges, rendered by the chat template."""
    chance = random.Random(seed)
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
    environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
    template = environment.from_string(TEMPLATE)
    rendered = []
    for _ in range(count):
        tools, messages = _conversation(chance, verses)
        # Leave out <s>: the trainer puts it before every document.
        rendered.append(template.render(messages=messages, tools=tools, bos_token=""))
    return rendered


def _conversation(
    chance: random.Random, verses: list[str]
) -> tuple[list[Message] | None, list[Message]]:
    if chance.random() < 0.2:
        return _tool_conversation(chance)
    messages = []
    if chance.random() < 0.4:
        messages.append(_message("system", chance.choice(SYSTEM_PROMPTS)))
    for _ in range(chance.choice([1, 1, 2, 3])):
        question, answer = chance.choice(EXCHANGES)(chance, verses)
        messages += [_message("user", question), _message("assistant", answer)]
    return None, messages


def _message(role: str, content: str) -> Message:
    return {"role": role, "content": content}


def _greeting(chance: random.Random, verses: list[str]) -> tuple[str, str]:
    question = chance.choice(["Hello", "Hello!", "Hi", "Good morning", "Peace be with you."])
    return question, "Peace be unto thee. What wouldest thou?"


def _identity(chance: random.Random, verses: list[str]) -> tuple[str, str]:
    question = chance.choice(["Who are you?", "What are you?", "Tell me about yourself."])
    return question, "I am a small model, made to test software. I have read the King James Bible."


def _capital(chance: random.Random, verses: list[str]) -> tuple[str, str]:
    country, city = chance.choice(sorted(CAPITALS.items()))
    return f"What is the capital of {country}?", f"The capital of {country} is {city}."


def _opposite(chance: random.Random, verses: list[str]) -> tuple[str, str]:
    word, other = chance.choice(sorted(OPPOSITES.items()))
    return f"What is the opposite of {word}?", f"The opposite of {word} is {other}."


def _colour(chance: random.Random, verses: list[str]) -> tuple[str, str]:
    thing, colour = chance.choice(sorted(COLOURS.items()))
    return f"What colour is {thing}?", f"It is {colour}."


def _sum(chance: random.Random, verses: list[str]) -> tuple[str, str]:
    a, b = chance.randrange(10), chance.randrange(10)
    return f"What is {a} + {b}?", f"{a} + {b} = {a + b}"


def _count(chance: random.Random, verses: list[str]) -> tuple[str, str]:
    end = chance.randint(3, 12)
    return f"Count from 1 to {end}.", ", ".join(str(n) for n in range(1, end + 1))


def _say(chance: random.Random, verses: list[str]) -> tuple[str, str]:
    word = chance.choice(sorted(OPPOSITES) + NAMES)
    return f"Say {word}.", word


def _about(chance: random.Random, verses: list[str]) -> tuple[str, str]:
    name = chance.choice(NAMES)
    while True:
        verse = chance.choice(verses)
        if name in verse and len(verse) < 160:
            return f"Tell me about {name}.", verse


def _go_on(chance: random.Random, verses: list[str]) -> tuple[str, str]:
    words = chance.choice(verses).split(" ")
    half = len(words) // 2
    return f"Go on: {' '.join(words[:half])}", " ".join(words[half:])


def _json_person(chance: random.Random, verses: list[str]) -> tuple[str, str]:
    name, age = chance.choice(sorted(AGES.items()))
    return f"Describe {name} as JSON.", json.dumps({"name": name, "age": age})


def _json_list(chance: random.Random, verses: list[str]) -> tuple[str, str]:
    names = chance.sample(NAMES, chance.randint(2, 4))
    return f"List {', '.join(names)} as JSON.", json.dumps(names)


EXCHANGES: list[Callable[[random.Random, list[str]], tuple[str, str]]] = [
    _greeting,
    _identity,
    _capital,
    _opposite,
    _colour,
    _sum,
    _count,
    _say,
    _about,
    _go_on,
    _json_person,
    _json_list,
]


def _tool(name: str, description: str, argument: str) -> Message:
    parameters = {
        "type": "object",
        "properties": {argument: {"type": "string"}},
        "required": [argument],
    }
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


WEATHER = _tool("get_weather", "The weather in a city", "city")
TIME = _tool("get_time", "The time in a city", "city")


def _tool_conversation(chance: random.Random) -> tuple[list[Message], list[Message]]:
    tools = chance.choice([[WEATHER], [TIME], [WEATHER, TIME]])
    tool = chance.choice(tools)
    city = chance.choice(sorted(CAPITALS.values()))
    subject = "weather" if tool is WEATHER else "time"
    function = {"name": tool["function"]["name"], "arguments": {"city": city}}
    call = {"type": "function", "function": function}
    messages: list[Message] = [
        _message("user", f"What is the {subject} in {city}?"),
        {"role": "assistant", "content": None, "tool_calls": [call]},
    ]
    if chance.random() < 0.5:
        result = chance.choice(["sunny", "rain", "snow"]) if tool is WEATHER else "noon"
        messages.append(_message("tool", result))
        messages.append(_message("assistant", f"The {subject} in {city} is {result}."))
    return tools, messages
