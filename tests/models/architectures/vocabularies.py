"""Tiny vocabularies of the kinds that llama.cpp has a tokenizer for (llama_vocab_type).

The SentencePiece one is ``llama_gguf.byte_vocabulary``. Every kind but WPM and UGM gives a
text back as it was. Ids that no text has are filled up to the wished size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import gguf
from gguf import TokenType
from llama_gguf import byte_vocabulary

N_VOCAB = 512
SPM = byte_vocabulary(N_VOCAB)
SPACE = "\u2581"  # in place of a space (SentencePiece)
WORDS = ("the", "quick", "brown", "fox", "jumps", "over", "lazy", "dog", "and", "light", "ing")
PRINTABLE = tuple(chr(code) for code in range(0x21, 0x7F))


@dataclass
class Pieces:
    """Tokens in the order of their ids."""

    texts: list[str] = field(default_factory=list)
    types: list[int] = field(default_factory=list)

    def add(self, texts: Sequence[str], kind: TokenType = TokenType.NORMAL) -> None:
        for text in texts:
            if text not in self.texts:
                self.texts.append(text)
                self.types.append(int(kind))

    def fill(self, size: int) -> None:
        self.add([f"<unused{i}>" for i in range(size - len(self.texts))], TokenType.UNUSED)

    def write(self, writer: gguf.GGUFWriter, model: str) -> None:
        self.fill(N_VOCAB)
        writer.add_tokenizer_model(model)
        writer.add_token_list(self.texts)
        writer.add_token_types(self.types)


def byte_characters() -> list[str]:
    """Returns the character of each byte in byte-level BPE.

    A byte that Latin-1 prints is its own character, the others are those from U+0100 on
    (bytes_to_unicode() of openai/gpt-2's encoder.py).
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte if byte in printable else 256 + others.index(byte)) for byte in range(256)]


def merges(words: Sequence[str]) -> list[str]:
    """Returns the merges that make each word from left to right, ``"a b"`` for ``ab``."""
    pairs = [f"{word[:end]} {word[end]}" for word in words for end in range(1, len(word))]
    return list(dict.fromkeys(pairs))


@dataclass(frozen=True)
class Bpe:
    """Byte-level BPE; ``pre`` names the rule that splits a text into words."""

    name = "BPE"

    pre: str
    add_bos: bool = False
    add_eos: bool = False

    def write(self, writer: gguf.GGUFWriter) -> None:
        characters = byte_characters()
        pairs = merges([prefix + word for word in WORDS for prefix in (characters[0x20], "")])
        pieces = Pieces()
        pieces.add(characters)
        pieces.add([pair.replace(" ", "") for pair in pairs])
        pieces.add(["<|endoftext|>"], TokenType.CONTROL)
        end = len(pieces.texts) - 1
        pieces.write(writer, "gpt2")
        writer.add_tokenizer_pre(self.pre)
        writer.add_token_merges(pairs)
        writer.add_bos_token_id(end)
        writer.add_eos_token_id(end)
        writer.add_add_bos_token(self.add_bos)
        writer.add_add_eos_token(self.add_eos)


@dataclass(frozen=True)
class Gemma4Bpe:
    """BPE over characters, a space being U+2581; characters that are no piece go by their bytes."""

    name = "BPE of Gemma 4"

    def write(self, writer: gguf.GGUFWriter) -> None:
        pairs = merges([prefix + word for word in WORDS for prefix in (SPACE, "")])
        pieces = Pieces()
        pieces.add(["<pad>", "<eos>", "<bos>"], TokenType.CONTROL)
        pieces.add(["<unk>"], TokenType.UNKNOWN)
        pieces.add([f"<0x{byte:02X}>" for byte in range(256)], TokenType.BYTE)
        pieces.add([SPACE, "\n", *PRINTABLE, *(pair.replace(" ", "") for pair in pairs)])
        pieces.write(writer, "gemma4")
        writer.add_token_scores([0.0] * N_VOCAB)
        writer.add_token_merges(pairs)
        writer.add_pad_token_id(0)
        writer.add_eos_token_id(1)
        writer.add_bos_token_id(2)
        writer.add_unk_token_id(3)
        writer.add_add_bos_token(True)


@dataclass(frozen=True)
class Wpm:
    """BERT's WordPiece. A piece that begins a word has U+2581 before it, as llama.cpp's conversion
    writes it; the text is made lower case."""

    name = "WPM"

    def write(self, writer: gguf.GGUFWriter) -> None:
        letters = [chr(code) for code in range(ord("a"), ord("z") + 1)] + list("0123456789")
        pieces = Pieces()
        pieces.add(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], TokenType.CONTROL)
        pieces.add([SPACE + character for character in PRINTABLE if not character.isupper()])
        pieces.add(letters)
        pieces.add([prefix + word for word in WORDS for prefix in (SPACE, "")])
        pieces.write(writer, "bert")
        writer.add_token_type_count(2)
        writer.add_pad_token_id(0)
        writer.add_unk_token_id(1)
        writer.add_bos_token_id(2)  # [CLS]
        writer.add_sep_token_id(3)
        writer.add_mask_token_id(4)


@dataclass(frozen=True)
class Ugm:
    """T5's unigram model: of all ways to split a text the one with the largest sum of scores."""

    name = "UGM"

    def write(self, writer: gguf.GGUFWriter) -> None:
        pieces = Pieces()
        pieces.add(["<pad>", "</s>"], TokenType.CONTROL)
        pieces.add(["<unk>"], TokenType.UNKNOWN)
        characters = len(pieces.texts)
        pieces.add([SPACE, *PRINTABLE])
        words = len(pieces.texts)
        pieces.add([prefix + word for word in WORDS for prefix in (SPACE, "")])
        pieces.write(writer, "t5")
        # A word is better than its characters, each of which costs 5.
        scores = [0.0] * characters + [-5.0] * (words - characters) + [-6.0] * (N_VOCAB - words)
        writer.add_token_scores(scores)
        writer.add_pad_token_id(0)
        writer.add_eos_token_id(1)
        writer.add_unk_token_id(2)
        writer.add_add_bos_token(False)
        writer.add_add_eos_token(True)
        writer.add_add_space_prefix(True)
        writer.add_remove_extra_whitespaces(True)


@dataclass(frozen=True)
class Rwkv:
    """RWKV World: the longest piece that begins the text; bytes are written as Python does."""

    name = "RWKV"

    def write(self, writer: gguf.GGUFWriter) -> None:
        pieces = Pieces()
        pieces.add(["<s>"], TokenType.CONTROL)
        pieces.add([escaped(byte) for byte in range(256)])
        pieces.add([prefix + word for word in WORDS for prefix in (" ", "")])
        pieces.write(writer, "rwkv")
        writer.add_bos_token_id(0)
        writer.add_eos_token_id(0)
        writer.add_add_bos_token(False)


def escaped(byte: int) -> str:
    """Returns a byte in the form that llama.cpp's llama_unescape_rwkv_token() reads."""
    character = chr(byte)
    if character == "\\":
        return "\\\\"
    return character if 0x20 <= byte < 0x7F else f"\\x{byte:02x}"
