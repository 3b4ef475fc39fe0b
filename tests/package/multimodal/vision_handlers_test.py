"""llama-cpp-python's handlers: their prompts, their members, and subclasses of programs."""

from __future__ import annotations

import base64
import sys
import types
from pathlib import Path

import media_files
import pytest
from chats import answer, user

import llama_cpp.llama_chat_format as formats
from llama_cpp import ChatTemplateError, MediaError
from llama_cpp._chat.request import ChatRequest
from llama_cpp._chat.vision_handlers import _Formatter

PNG = media_files.png(media_files.image(0))
URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
LLAVA_SYSTEM = (
    "A chat between a curious human and an artificial intelligence assistant. The assistant gives"
    " helpful, detailed, and polite answers to the human's questions."
)
CHAT = [
    user({"type": "image_url", "image_url": {"url": URL}}, "One?", "Two?"),
    {"role": "assistant", "content": "Yes."},
    user("Text", {"type": "image_url", "image_url": URL}),
]
# The handler's class -> the prompt of CHAT with a system message "S", and its own system message.
# By llama_chat_format.py of llama-cpp-python 0.3.36, whose templates make these prompts. Each image
# is written as <I>.
PROMPTS = {
    "Llava15ChatHandler": (
        "S\nUSER: <I>One?Two?\nASSISTANT: Yes.\nUSER: <I>Text\nASSISTANT: ",
        LLAVA_SYSTEM,
    ),
    "Llava16ChatHandler": ("S<I>\nOne?Two?Yes.<I>\nTextAnswer:", LLAVA_SYSTEM + " "),
    "ObsidianChatHandler": (
        "<|im_start|>system\nS\n###\n<|im_start|>user\n<I>One?Two?###\n<|im_start|>assistant\n"
        "Yes.###\n<|im_start|>user\n<I>Text###\n<|im_start|>assistant\n",
        LLAVA_SYSTEM,
    ),
    "MoondreamChatHandler": (
        "<I>\n\nQuestion: One?\n\nQuestion: Two?\n\nAnswer:Yes.\n\n<I>\n\nQuestion: Text\n\n"
        "Answer:",
        LLAVA_SYSTEM,
    ),
    "NanoLlavaChatHandler": (
        "<|im_start|>system\nS<|im_end|><|im_start|>user\n<I>One?Two?<|im_end|>"
        "<|im_start|>assistant\nYes.<|im_end|><|im_start|>user\n<I>Text<|im_end|>"
        "<|im_start|>assistant\n",
        "Answer the question",
    ),
    "Llama3VisionAlphaChatHandler": (
        "<|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\n<I>One?Two?<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\nYes.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\n<I>Text<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
        None,
    ),
    "MiniCPMv26ChatHandler": (
        "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\n<I>One?Two?<|im_end|>\n"
        "<|im_start|>assistant\nYes.<|im_end|>\n<|im_start|>user\n<I>Text<|im_end|>\n"
        "<|im_start|>assistant\n",
        "You are a helpful assistant.",
    ),
    "Qwen25VLChatHandler": (
        "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\n<I>One?Two?<|im_end|>\n"
        "<|im_start|>assistant\nYes.<|im_end|>\n<|im_start|>user\nText<I><|im_end|>\n"
        "<|im_start|>assistant\n",
        "You are a helpful assistant.",
    ),
}
OWN_TEMPLATE = ("MTMDChatHandler", "Gemma4ChatHandler")


@pytest.fixture
def projector(projectors) -> str:
    return str(projectors / "mmproj-llava.gguf")


def load_with(handler, load):
    return load("llava", mmproj_path=None, chat_handler=handler)


@pytest.mark.parametrize("name", PROMPTS)
def test_prompts(name, load, projector) -> None:
    expected, system = PROMPTS[name]
    handler = getattr(formats, name)(projector)
    assert handler.DEFAULT_SYSTEM_MESSAGE == system
    request = ChatRequest([{"role": "system", "content": "S"}, *CHAT], {})
    render = _Formatter(load_with(handler, load)._session, handler.CHAT_FORMAT)
    prompt = render(messages=request.messages).prompt
    assert prompt.replace(request.media.mark, "<I>") == expected
    (text,) = ChatRequest([{"role": "user", "content": "Only a text"}], {}).messages
    assert "Only a text" in render(messages=[text]).prompt


@pytest.mark.parametrize("name", [*PROMPTS, *OWN_TEMPLATE])
def test_answers(name, load, projector) -> None:
    handler = getattr(formats, name)(clip_model_path=projector, verbose=False)
    assert handler.mtmd_ctx is None
    llm = load_with(handler, load)
    said = answer(llm, CHAT)
    assert handler.mtmd_ctx is not None
    stream = llm.create_chat_completion(CHAT, max_tokens=8, temperature=0, stream=True)
    assert "".join(c["choices"][0]["delta"].get("content", "") for c in stream) == said
    (used,) = llm._session.projectors.values()
    assert used.n_encoded == 1
    llm.close()
    assert handler.mtmd_ctx.closed


def test_the_models_own_template_is_that_of_mmproj_path(load, projector) -> None:
    handler = formats.MTMDChatHandler(projector, use_gpu=False)
    assert answer(load_with(handler, load), CHAT) == answer(load("llava"), CHAT)


def test_two_models_may_share_a_handler(load, projector) -> None:
    handler = formats.Llava15ChatHandler(projector)
    first, second = load_with(handler, load), load_with(handler, load)
    assert answer(first, CHAT) == answer(second, CHAT)
    first.close()
    assert answer(second, CHAT)


def test_a_subclass_has_its_own_format_system_message_and_images(load, projector) -> None:
    asked = []

    class Handler(formats.Llava15ChatHandler):
        DEFAULT_SYSTEM_MESSAGE = "Be brief."
        CHAT_FORMAT = (
            "{% for m in messages %}{% if m.role == 'system' %}[{{ m.content }}]{% else %}"
            "{% for part in m.content %}{{ part.text if part.type == 'text' else"
            " part.image_url.url }}{% endfor %}{% endif %}{% endfor %}!"
        )

        def load_image(self, image_url: str) -> bytes:
            asked.append(image_url)
            return PNG

    llm = load_with(Handler(projector), load)
    chat = [user({"type": "image_url", "image_url": {"url": "mine:7"}}, "Well?")]
    completion = llm.create_chat_completion(chat, max_tokens=4, temperature=0)
    assert asked == ["mine:7"]
    # "[Be brief.]", 16 tokens of the image, "Well?!"
    n_text = len(llm.tokenize(b"[Be brief.]")) + len(llm.tokenize(b"Well?!", False))
    assert completion["usage"]["prompt_tokens"] == n_text + 16


def test_a_format_that_leaves_images_out(load, projector) -> None:
    class Handler(formats.Llava15ChatHandler):
        CHAT_FORMAT = "{{ messages[-1].role }}:"

    with pytest.raises(ChatTemplateError, match="2 images or sounds.*has 0"):
        answer(load_with(Handler(projector), load), CHAT)


def test_a_model_without_template(projector) -> None:
    session = types.SimpleNamespace(model=types.SimpleNamespace(metadata=dict))
    with pytest.raises(ChatTemplateError, match="which has none"):
        formats.MTMDChatHandler(projector)._template_handler(session)


def test_functions_of_handlers(projector, tmp_path) -> None:
    handler = formats.Llava15ChatHandler(projector)
    assert handler.get_image_urls(CHAT) == [URL, URL]
    assert handler.load_image(URL) == PNG
    assert formats.Llama3VisionAlpha is formats.Llama3VisionAlphaChatHandler
    with pytest.raises(MediaError):
        handler.load_image("file:///etc/hostname")
    assert handler.split_text_on_image_urls("a<1>b<2><1>", ["<1>", "<2>"]) == [
        ("text", "a"),
        ("image_url", "<1>"),
        ("text", "b"),
        ("image_url", "<2>"),
        ("image_url", "<1>"),
    ]
    assert handler.split_text_on_image_urls("a", []) == [("text", "a")]
    with pytest.raises(ValueError, match="Clip model path does not exist"):
        formats.Llava15ChatHandler(str(tmp_path / "none.gguf"))


def test_from_pretrained(monkeypatch, projector) -> None:
    hub = types.ModuleType("huggingface_hub")
    utils = types.ModuleType("huggingface_hub.utils")

    class FileSystem:
        def ls(self, repo_id: str, **_: object) -> list[dict[str, str]]:
            return [{"name": f"{repo_id}/model.gguf"}, {"name": f"{repo_id}/mmproj-f16.gguf"}]

    def download(*, filename: str, **_: object) -> str:
        assert filename == "mmproj-f16.gguf"
        return projector

    hub.HfFileSystem, hub.hf_hub_download = FileSystem, download
    utils.validate_repo_id = lambda repo_id: None
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    monkeypatch.setitem(sys.modules, "huggingface_hub.utils", utils)
    handler = formats.MoondreamChatHandler.from_pretrained("owner/name", "*mmproj*", verbose=False)
    assert type(handler) is formats.MoondreamChatHandler
    assert Path(handler.clip_model_path) == Path(projector)
