"""Makes pairs of a text model and its projector with random weights, one for each family.

    python random_projectors.py --out DIR                     DIR/NAME.gguf, DIR/mmproj-NAME.gguf
    python random_projectors.py --out DIR --only gemma3 qwen2vl

The same arguments give the same bytes on every machine, as those of ``random_models.py``. Needs
the packages numpy and gguf.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable

import audio_encoders
import numpy as np
import text_models
import vision_encoders
from architectures import Architecture
from gguf import TokenType
from llama_gguf import Vocabulary, byte_vocabulary
from projector_gguf import Encoder, write_projector
from random_models import silent_tokens

HERE = Path(__file__).parent
# mtmd.cpp looks it up as one token (idefics3). A user's text has it too, so it is no control token.
PARAGRAPH = "\n\n"
CHATML = ("<|im_start|>", "<|im_end|>")

EncoderOf = Callable[[int], Encoder]  # of the text model's width


@dataclass(frozen=True)
class Pair:
    """A text model and its projector.

    ``turn`` are the marks around a chat turn; generation stops at the second. ``marks`` are the
    other control tokens: those that init_vision() and init_audio() of tools/mtmd/mtmd.cpp put
    around an image, and those of the template. A model with a tag has ``parts_template.jinja``,
    which writes the tag for an image or audio part; one without has ``chat_template.jinja``,
    which knows content of text alone.
    """

    model: Architecture
    vision: EncoderOf | None = None
    audio: EncoderOf | None = None
    marks: tuple[str, ...] = ()
    turn: tuple[str, str] = CHATML
    image_tag: str = ""
    audio_tag: str = ""

    @property
    def has_vision(self) -> bool:
        return self.vision is not None

    @property
    def has_audio(self) -> bool:
        return self.audio is not None

    def vocabulary(self) -> Vocabulary:
        marks = (*self.turn, *self.marks)
        vocabulary = byte_vocabulary(text_models.S.n_vocab, marks)
        types = list(vocabulary.types)
        if PARAGRAPH in marks:
            types[vocabulary.pieces.index(PARAGRAPH.encode())] = int(TokenType.USER_DEFINED)
        return replace(
            vocabulary,
            types=types,
            eot_id=vocabulary.pieces.index(self.turn[1].encode()),
            chat_template=self.template(),
        )

    def template(self) -> str:
        if not self.image_tag and not self.audio_tag:
            return (HERE / "chat_template.jinja").read_text()
        names = {
            "turn_start": self.turn[0],
            "turn_end": self.turn[1],
            "image_tag": self.image_tag,
            "audio_tag": self.audio_tag,
        }
        head = "".join(f"{{%- set {name} = {value!r} %}}\n" for name, value in names.items())
        return head + (HERE / "parts_template.jinja").read_text()


GEMMA3_IMAGE = ("<start_of_image>", "<end_of_image>")
GEMMA4_MARKS = ("<|image>", "<image|>", "<|audio>", "<audio|>", "<|image|>", "<|audio|>")
QWEN_IMAGE = ("<|vision_start|>", "<|image_pad|>", "<|vision_end|>")
QWEN_AUDIO = ("<|audio_bos|>", "<|AUDIO|>", "<|audio_eos|>")
MINICPMV = ("<image>", "</image>", "<slice>", "</slice>")
# The longer side of an image is two tiles.
IDEFICS3 = (
    *(PARAGRAPH, "<fake_token_around_image>", "<global-img>", "<image>"),
    *(f"<row_{row}_col_{column}>" for row in (1, 2) for column in (1, 2)),
)
# U+FF5C and U+2581 are the tokenizer's own.
HUNYUANVL = tuple(
    f"<\uff5chy_place\u2581holder\u2581no\u2581{number}\uff5c>" for number in (100, 101)
)
# At most ten tiles.
LFM2 = (
    *("<|image_start|>", "<image>", "<|image_end|>", "<|img_thumbnail|>"),
    *(f"<|img_row_{r}_col_{c}|>" for r in range(1, 11) for c in range(1, 11) if r * c <= 10),
)


def qwen25_omni_vision(n_text: int) -> Encoder:
    return vision_encoders.qwen25vl(n_text, "qwen2.5o")


def qwen25_omni_audio(n_text: int) -> Encoder:
    return audio_encoders.qwen2_audio(n_text, "qwen2.5o")


def qwen(model: Architecture, vision: EncoderOf, audio: EncoderOf | None = None) -> Pair:
    audio_marks = QWEN_AUDIO if audio else ()
    return Pair(
        model,
        vision,
        audio,
        marks=QWEN_IMAGE + audio_marks,
        image_tag="".join(QWEN_IMAGE),
        audio_tag="".join(audio_marks),
    )


def gemma4(model: Architecture, vision: EncoderOf, audio: EncoderOf) -> Pair:
    return Pair(
        model,
        vision,
        audio,
        marks=GEMMA4_MARKS,
        turn=("<|turn>", "<turn|>"),
        image_tag="<|image|>",
        audio_tag="<|audio|>",
    )


PAIRS: dict[str, Pair] = {
    "llava": Pair(text_models.llama(), vision_encoders.llava),
    "llava-next": Pair(text_models.llama(), vision_encoders.llava_next),
    "gemma3": Pair(
        text_models.gemma3(),
        vision_encoders.gemma3,
        marks=GEMMA3_IMAGE,
        turn=("<start_of_turn>", "<end_of_turn>"),
        image_tag=GEMMA3_IMAGE[0],
    ),
    "qwen2vl": qwen(text_models.qwen2vl(), vision_encoders.qwen2vl),
    "qwen2.5vl": qwen(text_models.qwen2vl(), vision_encoders.qwen25vl),
    "qwen3vl": qwen(text_models.qwen3vl(), vision_encoders.qwen3vl),
    "idefics3": Pair(
        text_models.llama(),
        vision_encoders.idefics3,
        marks=IDEFICS3,
        turn=("<|im_start|>", "<end_of_utterance>"),
        image_tag="<image>",
    ),
    "pixtral": Pair(
        text_models.llama(),
        vision_encoders.pixtral,
        marks=("[IMG]", "[IMG_BREAK]", "[IMG_END]"),
        image_tag="[IMG]",
    ),
    "internvl": Pair(
        text_models.llama(),
        vision_encoders.internvl,
        marks=("<img>", "</img>", "<IMG_CONTEXT>"),
        image_tag="<IMG_CONTEXT>",
    ),
    "minicpmv": Pair(text_models.llama(n_embd=128), vision_encoders.minicpmv, marks=MINICPMV),
    "hunyuanvl": Pair(text_models.hunyuan_vl(), vision_encoders.hunyuanvl, marks=HUNYUANVL),
    "lfm2": Pair(text_models.lfm2(), vision_encoders.lfm2, marks=LFM2, image_tag="<image>"),
    "gemma4": gemma4(text_models.gemma4(), vision_encoders.gemma4, audio_encoders.gemma4),
    "gemma4-unified": gemma4(
        text_models.gemma4(per_layer=0),
        vision_encoders.gemma4_unified,
        audio_encoders.gemma4_unified,
    ),
    "qwen2.5-omni": qwen(text_models.qwen2vl(), qwen25_omni_vision, qwen25_omni_audio),
    "ultravox": Pair(text_models.llama(), audio=audio_encoders.ultravox, marks=("<|audio|>",)),
    "voxtral": Pair(
        text_models.llama(),
        audio=audio_encoders.voxtral,
        marks=("[BEGIN_AUDIO]", "[AUDIO]"),
        audio_tag="[AUDIO]",
    ),
}


def write_pair(directory: Path, name: str, seed: int) -> list[Path]:
    """Writes the files of ``PAIRS[name]`` and returns their paths, the text model's first."""
    pair = PAIRS[name]
    text, projector = directory / f"{name}.gguf", directory / f"mmproj-{name}.gguf"
    vocabulary = pair.vocabulary()
    tensors = pair.model.weights(seed)
    # Generates words alone, and ends when the caller says so: a silent token's logit is 0, that of
    # the best word about 15, so that a sample of temperature 1 is a word, too.
    tensors["output.weight"] *= np.float32(8)
    tensors["output.weight"][silent_tokens(vocabulary, words_only=True)] = 0
    replace(pair.model, vocabulary=vocabulary).write(text, tensors)
    _, width = pair.model.tensors["token_embd.weight"]
    vision = pair.vision(width) if pair.vision else None
    audio = pair.audio(width) if pair.audio else None
    write_projector(projector, vision, audio, seed)
    return [text, projector]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="directory for the .gguf files")
    parser.add_argument("--only", nargs="+", choices=sorted(PAIRS), help="some of the pairs")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.only or list(PAIRS):
        for path in write_pair(args.out, name, args.seed):
            print(f"{path}  {path.stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
