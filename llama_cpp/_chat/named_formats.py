"""The named chat formats: how a conversation is written down for models of a family.

A format is a row of :data:`FORMATS`: the words for the roles, and a style that puts roles and
texts together. Names, tool calls and results are written as text; other roles raise
ChatTemplateError. Models that carry a chat template in their file do not need any of this.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from .formatted import ChatFormatterResponse
from .messages import plain

Texts = List[Tuple[str, str]]  # (role, text) of the messages
Turns = List[Tuple[str, Optional[str]]]  # (role as written, text; None for the one to be answered)


# ---- styles: (system text, turns, the two separators) -> prompt


def bare(system: str, turns: Turns, sep: str, sep2: str) -> str:
    return system + "".join(role + text + sep if text else role for role, text in turns)


def colon(system: str, turns: Turns, sep: str, sep2: str) -> str:
    parts = (f"{role}: {text}{sep}" if text else f"{role}:" for role, text in turns)
    return system + sep + "".join(parts)


def colon_space(system: str, turns: Turns, sep: str, sep2: str) -> str:
    parts = (f"{role}: {text}{sep}" if text else f"{role}: " for role, text in turns)
    return system + sep + "".join(parts)


def colon_alternating(system: str, turns: Turns, sep: str, sep2: str) -> str:
    ends = (sep, sep2)
    parts = (
        f"{role}: {text}{ends[index % 2]}" if text else f"{role}:"
        for index, (role, text) in enumerate(turns)
    )
    return system + sep + "".join(parts)


def lines(system: str, turns: Turns, sep: str, sep2: str) -> str:
    parts = (f"{role}\n{text}{sep}\n" if text else f"{role}\n" for role, text in turns)
    return (f"{system}{sep}\n" if system else "") + "".join(parts)


def indented(system: str, turns: Turns, sep: str, sep2: str) -> str:
    return system + "".join(f"{role}\n {text}" if text else role for role, text in turns)


class Format(NamedTuple):
    style: Callable[[str, Turns, str, str], str]
    user: str
    assistant: str
    sep: str
    sep2: str = ""
    system: str = "{}"  # how the system message is written; "" when there is none
    default_system: str = ""  # used when there is no system message
    system_role: Optional[str] = None  # of later system messages; of all, where system is ""
    stop: Optional[str] = None


_VICUNA_SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives "
    "helpful, detailed, and polite answers to the user's questions."
)
_LLAMA3_HEADER = "<|start_header_id|>{}<|end_header_id|>\n\n"

# Where llama-cpp-python's prompt is plainly not the one of the model's training, this table has the
# latter: alpaca ends with the assistant's turn, intel and snoozy contain the system message,
# open-orca the user's. openbuddy and open-orca have no long system prompt of their own.
FORMATS: Dict[str, Format] = {
    "alpaca": Format(colon_alternating, "### Instruction", "### Response", "\n\n", "</s>"),
    "baichuan": Format(bare, "<reserved_102>", "<reserved_103>", ""),
    "baichuan-2": Format(bare, "<reserved_106>", "<reserved_107>", ""),
    "chatglm3": Format(
        indented, "<|user|>", "<|assistant|>", "", system="<|system|>\n{}", stop="</s>"
    ),
    "chatml": Format(
        lines,
        "<|im_start|>user",
        "<|im_start|>assistant",
        "<|im_end|>",
        system="<|im_start|>system\n{}",
        system_role="<|im_start|>system",
        stop="<|im_end|>",
    ),
    "gemma": Format(
        bare,
        "<start_of_turn>user\n",
        "<start_of_turn>model\n",
        "<end_of_turn>\n",
        system="",  # Gemma knows no system role
        stop="<end_of_turn>\n",
    ),
    "intel": Format(colon, "### User:", "### Assistant:", "\n", system="### System:\n{}"),
    "llama-3": Format(
        bare,
        _LLAMA3_HEADER.format("user"),
        _LLAMA3_HEADER.format("assistant"),
        "<|eot_id|>",
        system="",
        system_role=_LLAMA3_HEADER.format("system"),
        stop="<|eot_id|>",
    ),
    "mistrallite": Format(
        bare,
        "<|prompter|>",
        "</s>\n<|assistant|>",
        " ",
        system="<|system|>{}</s>",
    ),
    "oasst_llama": Format(
        bare,
        "<|prompter|>",
        "<|assistant|>",
        "</s>",
        system="[INST] <<SYS>>\n{}\n<</SYS>>\n\n",
    ),
    "open-orca": Format(colon_space, "User", "Assistant", "<|end_of_turn|>\n", stop="User"),
    "openbuddy": Format(colon, "User", "Assistant", "\n"),
    "openchat": Format(
        lines,
        "GPT4 Correct User: ",
        "<|end_of_turn|>GPT4 Correct Assistant: ",
        "<|end_of_turn|>",
        system="{}<|end_of_turn|>",
        stop="<|end_of_turn|>",
    ),
    "phind": Format(
        colon,
        "### User Message",
        "### Assistant",
        "\n\n",
        system="### System Prompt\n{}",
        default_system="You are an intelligent programming assistant.",
    ),
    "pygmalion": Format(lines, "<|user|>", "<|model|>", "\n", system="<|system|>{}", stop="\n"),
    "qwen": Format(
        lines,
        "<|im_start|>user",
        "<|im_start|>assistant",
        "<|im_end|>",
        system="<|im_start|>system\n{}",
        system_role="<|im_start|>system",
        default_system="You are a helpful assistant.",
        stop="<|endoftext|>",
    ),
    "redpajama-incite": Format(colon, "<human>", "<bot>", "\n", stop="<human>"),
    "snoozy": Format(
        colon,
        "### Prompt",
        "### Response",
        "\n",
        system="### Instruction:\n{}",
        default_system=(
            "The prompt below is a question to answer, a task to complete, or a conversation to "
            "respond to; decide which and write an appropriate response."
        ),
        stop="###",
    ),
    "vicuna": Format(
        colon_alternating,
        "USER",
        "ASSISTANT",
        " ",
        "</s>",
        default_system=_VICUNA_SYSTEM,
    ),
    "zephyr": Format(
        lines, "<|user|>\n", "<|assistant|>\n", "</s>", system="<|system|>\n{}", stop="</s>"
    ),
}


def format_named(name: str, messages: List[Any]) -> ChatFormatterResponse:
    """Writes `messages` down in a format of the table."""
    row = FORMATS[name]
    texts = plain(messages, name)
    if row.system:
        system, texts = split_system(texts)
        head = row.system.replace("{}", system or row.default_system)
    else:
        head = ""
        texts = texts if row.system_role is not None else system_in_first_turn(texts)
    roles = {
        "user": row.user,
        "assistant": row.assistant,
        "system": row.user if row.system_role is None else row.system_role,
    }
    turns: Turns = [(roles[role], text) for role, text in texts]
    turns.append((row.assistant, None))
    return ChatFormatterResponse(prompt=row.style(head, turns, row.sep, row.sep2), stop=row.stop)


def split_system(texts: Texts) -> Tuple[str, Texts]:
    """Returns the text of the system messages at the beginning, and the other messages."""
    count = 0
    while count < len(texts) and texts[count][0] == "system":
        count += 1
    return "\n\n".join(text for _, text in texts[:count] if text), texts[count:]


def system_in_first_turn(texts: Texts) -> Texts:
    """Puts the system text before the first question, for models that know no system role."""
    system, rest = split_system(texts)
    if not system:
        return rest
    if rest and rest[0][0] == "user":
        return [("user", f"{system}\n\n{rest[0][1]}"), *rest[1:]]
    return [("user", system), *rest]


# ---- formats that fit no style


def format_llama2(messages: List[Any], **kwargs: Any) -> ChatFormatterResponse:
    """The system message is inside of the first instruction."""
    system, texts = split_system(plain(messages, "llama-2"))
    roles = {"user": "<s>[INST]", "system": "<s>[INST]", "assistant": "[/INST]"}
    prompt = f"[INST] <<SYS>>\n{system}\n<</SYS>> " if system else " "
    ends = (" ", "</s>")
    for index, (role, text) in enumerate(texts):
        if system and index == 0:
            prompt += text + ends[0]
        elif text:
            prompt += f"{roles[role]}{text} {ends[index % 2]}"
        else:
            prompt += f"{roles[role]} "
    return ChatFormatterResponse(prompt=prompt + "[/INST]")


def format_mistral_instruct(messages: List[Any], **kwargs: Any) -> ChatFormatterResponse:
    """Only user and assistant messages; an answer follows the mark that closes its question."""
    prompt = ""
    for role, text in system_in_first_turn(plain(messages, "mistral-instruct")):
        prompt += f" [/INST]{text}</s>" if role == "assistant" else f"[INST] {text}"
    return ChatFormatterResponse(prompt=prompt + " [/INST]", stop="</s>")


def format_saiga(messages: List[Any], **kwargs: Any) -> ChatFormatterResponse:
    """Every turn is a text of its own, between BOS and EOS."""
    texts = plain(messages, "saiga", ("user", "assistant", "system", "bot"))
    turns = (("bot" if role == "assistant" else role, text) for role, text in texts)
    parts = (f"<s>{role}\n{text}</s>" if text else f"<s>{role}\n" for role, text in turns)
    return ChatFormatterResponse(prompt=("".join(parts) + "<s>bot").strip())
