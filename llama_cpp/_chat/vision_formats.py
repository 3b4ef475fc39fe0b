"""The chat formats of models with images that have no template in their file, as Jinja templates.

Each is the prompt that llama-cpp-python's handler of the same name makes, but for the text of a
message that is no list, which some of those write twice.
"""

from __future__ import annotations

_IMAGE = (
    "{%- if part.type == 'image_url' -%}"
    "{{ BEFORE }}"
    "{{ part.image_url if part.image_url is string else part.image_url.url }}"
    "{{ AFTER }}"
    "{%- endif -%}"
)
_TEXT = "{%- if part.type == 'text' -%}{{ BEFORE }}{{ part.text }}{{ AFTER }}{%- endif -%}"


def _around(template: str, content: str) -> str:
    """Returns `template` with the text before and after the `@` of `content`."""
    before, _, after = content.partition("@")
    return template.replace("BEFORE", repr(before)).replace("AFTER", repr(after))


def _parts(image: str, text: str, in_order: bool) -> str:
    """Returns the template of a message's parts: images first, unless they are to be in order."""
    loop = "{{%- for part in message.content -%}}{}{{%- endfor -%}}".format
    images, texts = _around(_IMAGE, image), _around(_TEXT, text)
    return loop(images + texts) if in_order else loop(images) + loop(texts)


def _turns(
    *,
    system: str,
    user: str,
    assistant: str,
    opening: str,
    image: str = "@",
    text: str = "@",
    in_order: bool = False,
) -> str:
    """Returns a chat format.

    Args:
        system: a system message, `@` its content; likewise `user` and `assistant`. "" leaves it
            out.
        opening: the beginning of the answer.
        image: an image among the content, `@` itself.
        text: a text among the content.
        in_order: whether images and texts stay in the order of the message.
    """
    content = (
        "{%- if message.content is string -%}"
        + _around("{{ BEFORE }}{{ message.content }}{{ AFTER }}", text)
        + "{%- elif message.content -%}"
        + _parts(image, text, in_order)
        + "{%- endif -%}"
    )
    roles = {"system": system, "user": user, "assistant": assistant}
    turns = ""
    for role, turn in roles.items():
        if not turn:
            continue
        before, _, after = turn.partition("@")
        own = content if role == "user" else "{{ message.content or '' }}"
        turns += (
            f"{{%- if message.role == '{role}' -%}}"
            f"{{{{ {before!r} }}}}{own}{{{{ {after!r} }}}}"
            "{%- endif -%}"
        )
    return (
        f"{{%- for message in messages -%}}{turns}{{%- endfor -%}}"
        f"{{%- if add_generation_prompt -%}}{{{{ {opening!r} }}}}{{%- endif -%}}"
    )


def _chatml(end: str, **more: bool) -> str:
    """Returns ChatML with another end of the messages."""
    turns = {role: f"<|im_start|>{role}\n@{end}" for role in ("system", "user", "assistant")}
    return _turns(**turns, opening="<|im_start|>assistant\n", **more)


def _llama3() -> str:
    head = "<|start_header_id|>{}<|end_header_id|>\n\n".format
    turns = {role: head(role) + "@<|eot_id|>" for role in ("system", "user", "assistant")}
    return _turns(**turns, opening=head("assistant"))


LLAVA_15 = _turns(system="@", user="\nUSER: @", assistant="\nASSISTANT: @", opening="\nASSISTANT: ")
LLAVA_16 = _turns(system="@", user="@", assistant="@", opening="Answer:", image="@\n")
MOONDREAM = _turns(
    system="",
    user="@",
    assistant="Answer:@\n\n",
    opening="Answer:",
    image="@\n\n",
    text="Question: @\n\n",
)
OBSIDIAN = _turns(
    system="<|im_start|>system\n@\n###\n",
    user="<|im_start|>user\n@###\n",
    assistant="<|im_start|>assistant\n@###\n",
    opening="<|im_start|>assistant\n",
)
NANO_LLAVA = _chatml("<|im_end|>")
MINI_CPM_26 = _chatml("<|im_end|>\n")
QWEN_25_VL = _chatml("<|im_end|>\n", in_order=True)
LLAMA_3_VISION_ALPHA = _llama3()
