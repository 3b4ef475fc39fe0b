"""Chat handlers with a projector of their own, under llama-cpp-python's names.

Llama(mmproj_path=...) needs none of them: it reads images with any chat format.
"""

from __future__ import annotations

import os
import re
from typing import Any, List, Optional, Tuple, Union

from .. import _core
from .._engine import projectors
from .._engine.session import Session
from .._errors import ChatTemplateError
from . import vision_formats
from .answer import Run
from .formatted import ChatFormatterResponse
from .formatter import answer_formatted
from .handler import ChatModel
from .json_text import to_json
from .media import MARK_TYPE
from .request import ChatRequest
from .template import TemplateChatHandler

_StrPath = Union[str, "os.PathLike[str]"]


class MTMDChatHandler:
    """Answers chats with images and sounds by the chat template in the model's file.

    Subclasses may set the class attributes, and load images in their own way.

    Attributes:
        DEFAULT_SYSTEM_MESSAGE: The system message of chats that have none; None adds none.
        CHAT_FORMAT: A Jinja template instead of the model's own. It gets the messages as they are,
            but for a mark in the place of each image's URL.
        clip_model_path: The projector's file.
        verbose: Has no effect.
        use_gpu: Whether a GPU reads the images, if there is one.
        mtmd_ctx: The projector that was used last, None before.
    """

    DEFAULT_SYSTEM_MESSAGE: Optional[str] = None
    CHAT_FORMAT: Optional[str] = None

    def __init__(self, clip_model_path: str, verbose: bool = True, use_gpu: bool = True) -> None:
        """Takes a projector file, which is loaded when the first chat needs it.

        Args:
            clip_model_path: The mmproj file that belongs to the model.
            verbose: Has no effect; Llama(verbose=...) says how much is logged.
            use_gpu: Let a GPU read the images, if there is one.

        Raises:
            ValueError: There is no such file.
        """
        if not os.path.exists(clip_model_path):
            raise ValueError(f"Clip model path does not exist: {clip_model_path}")
        self.clip_model_path = clip_model_path
        self.verbose = verbose
        self.use_gpu = use_gpu
        self.mtmd_ctx: Optional[_core.Projector] = None

    def __call__(self, *, llama: ChatModel, messages: List[Any], **arguments: Any) -> Run:
        session = llama._session
        projector = projectors.load(
            session, projectors.ProjectorOptions(os.fspath(self.clip_model_path), self.use_gpu)
        )
        self.mtmd_ctx = projector.native
        request = ChatRequest(messages, arguments)
        has_system = any(message["role"] == "system" for message in request.messages)
        if self.DEFAULT_SYSTEM_MESSAGE is not None and not has_system:
            system = {"role": "system", "content": self.DEFAULT_SYSTEM_MESSAGE}
            request.messages.insert(0, system)
        request.media.projector = projector
        if type(self).load_image is not MTMDChatHandler.load_image:
            request.media.load_image = self.load_image
        if self.CHAT_FORMAT is None:
            return self._template_handler(session).answer(session, request)
        return answer_formatted(_Formatter(session, self.CHAT_FORMAT), session, request)

    def _template_handler(self, session: Session) -> TemplateChatHandler:
        if not session.model.metadata().get("tokenizer.chat_template"):
            raise ChatTemplateError(
                f"{type(self).__name__} uses the chat template of the model, which has none\n"
                "Take the handler that is made for this model, or set CHAT_FORMAT in a subclass."
            )
        return TemplateChatHandler(session.model)

    def load_image(self, image_url: str) -> bytes:
        """Returns the file at an image's URL. A subclass may have a way of its own.

        MediaError when the URL is refused, or there is no file; see MediaPolicy.
        """
        return self._load_image(image_url)

    @staticmethod
    def _load_image(image_url: str) -> bytes:
        from .._media.policy import MediaPolicy
        from .._media.sources import load_bytes

        return load_bytes(image_url, MediaPolicy())

    @staticmethod
    def get_image_urls(messages: List[Any]) -> List[str]:
        """Returns the URLs of the images in the users' messages, in their order."""
        return [
            part["image_url"]["url"] if isinstance(part["image_url"], dict) else part["image_url"]
            for message in messages
            if message["role"] == "user" and isinstance(message["content"], list)
            for part in message["content"]
            if isinstance(part, dict) and part.get("type") == "image_url"
        ]

    @classmethod
    def from_pretrained(
        cls,
        repo_id: str,
        filename: Optional[str],
        local_dir: Optional[_StrPath] = None,
        local_dir_use_symlinks: Union[bool, str] = "auto",
        cache_dir: Optional[_StrPath] = None,
        **kwargs: Any,
    ) -> MTMDChatHandler:
        """Downloads a projector from the Hugging Face hub; see Llama.from_pretrained().

        `kwargs` are arguments of the handler.
        """
        from .._pretrained import download

        path = download(repo_id, filename, None, local_dir=local_dir, cache_dir=cache_dir)
        return cls(clip_model_path=path, **kwargs)


class _Formatter:
    """Renders a CHAT_FORMAT."""

    def __init__(self, session: Session, template: str) -> None:
        self._session = session
        self._template = template

    def __call__(self, *, messages: List[Any], **arguments: Any) -> ChatFormatterResponse:
        model = self._session.model
        context = {"messages": _as_written(messages), "add_generation_prompt": True, **arguments}
        prompt = _core.render_template(
            self._template,
            to_json(context, "The messages"),
            _text(model, model.token_bos),
            _text(model, model.token_eos),
        )
        return ChatFormatterResponse(prompt=prompt)


def _text(model: _core.Model, token: int) -> str:
    return model.token_text(token) if token >= 0 else ""


def _as_written(messages: List[Any]) -> List[Any]:
    """Returns normalised messages with marks in the form of OpenAI's image parts."""
    return [
        {**message, "content": [_part(part) for part in message["content"]]}
        if isinstance(message["content"], list)
        else message
        for message in messages
    ]


def _part(part: Any) -> Any:
    if part["type"] != MARK_TYPE:
        return part
    return {"type": "image_url", "image_url": part["image_url"]}


class Gemma4ChatHandler(MTMDChatHandler):
    """Answers chats of Gemma 4."""


class Llava15ChatHandler(MTMDChatHandler):
    """Answers chats of LLaVA 1.5, and of models with another CHAT_FORMAT in subclasses."""

    DEFAULT_SYSTEM_MESSAGE: Optional[str] = (
        "A chat between a curious human and an artificial intelligence assistant. The assistant"
        " gives helpful, detailed, and polite answers to the human's questions."
    )
    CHAT_FORMAT = vision_formats.LLAVA_15

    @staticmethod
    def split_text_on_image_urls(text: str, image_urls: List[str]) -> List[Tuple[str, str]]:
        """Returns the pieces of a text, ("text", piece), and between them ("image_url", URL)."""
        if not image_urls:
            return [("text", text)] if text else []
        pieces = re.split("(" + "|".join(map(re.escape, image_urls)) + ")", text)
        kinds = ("text", "image_url")
        return [(kinds[i % 2], piece) for i, piece in enumerate(pieces) if piece]


class Llava16ChatHandler(Llava15ChatHandler):
    """Answers chats of LLaVA 1.6."""

    DEFAULT_SYSTEM_MESSAGE = f"{Llava15ChatHandler.DEFAULT_SYSTEM_MESSAGE} "
    CHAT_FORMAT = vision_formats.LLAVA_16


class ObsidianChatHandler(Llava15ChatHandler):
    """Answers chats of Obsidian."""

    CHAT_FORMAT = vision_formats.OBSIDIAN


class MoondreamChatHandler(Llava15ChatHandler):
    """Answers chats of Moondream."""

    CHAT_FORMAT = vision_formats.MOONDREAM


class NanoLlavaChatHandler(Llava15ChatHandler):
    """Answers chats of nanoLLaVA."""

    DEFAULT_SYSTEM_MESSAGE = "Answer the question"
    CHAT_FORMAT = vision_formats.NANO_LLAVA


class Llama3VisionAlphaChatHandler(Llava15ChatHandler):
    """Answers chats of Llama 3 Vision Alpha."""

    DEFAULT_SYSTEM_MESSAGE = None
    CHAT_FORMAT = vision_formats.LLAMA_3_VISION_ALPHA


Llama3VisionAlpha = Llama3VisionAlphaChatHandler


class MiniCPMv26ChatHandler(Llava15ChatHandler):
    """Answers chats of MiniCPM-V 2.6."""

    DEFAULT_SYSTEM_MESSAGE = "You are a helpful assistant."
    CHAT_FORMAT = vision_formats.MINI_CPM_26


class Qwen25VLChatHandler(Llava15ChatHandler):
    """Answers chats of Qwen2.5-VL."""

    DEFAULT_SYSTEM_MESSAGE = "You are a helpful assistant."
    CHAT_FORMAT = vision_formats.QWEN_25_VL
