"""From a prompt, text or tokens, to the tokens that the model evaluates."""

from __future__ import annotations

import codecs
import warnings
from typing import List, Optional, Sequence, Tuple, Union

from .. import _core
from .._errors import ContextOverflowError, TokenizeError
from .kinds import in_vocabulary
from .session import Session
from .tokenizers import BaseLlamaTokenizer

# A character whose tokens do not merge with those that follow, for tokenizing text without the
# space that SentencePiece puts before the first word.
_SENTINEL = "☺"


def encode(text: str, name: str) -> bytes:
    """Returns `text` as UTF-8. TokenizeError for surrogates, which no UTF-8 text contains."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise TokenizeError(
            f"{name} cannot be encoded as UTF-8: it contains the lone surrogate"
            f" U+{ord(text[error.start]):04X} at position {error.start}. It probably comes from"
            " bytes that were decoded wrongly; decode them with errors='replace'."
        ) from None


def detokenize(session: Session, tokens: List[int]) -> bytes:
    """Returns the text of tokens of the vocabulary (ValueError for others)."""
    in_vocabulary("tokens", tokens, session.n_vocab)
    return session.tokenizer.detokenize(tokens)


def text_of(session: Session, tokens: Sequence[int]) -> Tuple[str, bytes]:
    """Returns the text of tokens, and the bytes of a character that is incomplete at its end."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    return decoder.decode(detokenize(session, list(tokens))), decoder.getstate()[0]


def token_limit(session: Session, n_prompt: int, max_tokens: Optional[int]) -> int:
    """Returns the most tokens to generate after a prompt.

    ContextOverflowError if there is no room.
    """
    room = session.n_ctx - n_prompt
    if room <= 0:
        raise ContextOverflowError(
            f"Requested tokens ({n_prompt}) exceed context window of {session.n_ctx}\n"
            "Shorten the prompt, or create the model with a larger n_ctx (0 = as trained)."
        )
    if max_tokens is None or max_tokens <= 0:
        return room
    return min(max_tokens, room)


def can_infill(session: Session) -> bool:
    """Whether the model has the tokens for filling in the middle."""
    model = session.model
    return min(model.token_fim_pre, model.token_fim_suf, model.token_fim_mid) >= 0


def prompt_tokens(
    session: Session, prompt: Union[str, List[int]], suffix: Optional[str]
) -> List[int]:
    """Returns the tokens of a prompt, with the tokens that the model wants around a text."""
    model = session.model
    if suffix is not None:
        tokens = _infill_tokens(session, prompt, suffix)
    elif not isinstance(prompt, str):
        return _checked_tokens(session, prompt)
    elif prompt:
        tokens = session.tokenizer.tokenize(encode(prompt, "The prompt"), False, True)
    else:
        tokens = []
    bos = model.token_bos
    if bos >= 0 and (model.add_bos or not tokens):
        tokens = [bos, *tokens]
    if model.add_sep and model.token_sep >= 0:
        tokens = [*tokens, model.token_sep]
    elif model.add_eos and model.token_eos >= 0:
        tokens = [*tokens, model.token_eos]
    if not tokens:
        raise ValueError("The prompt is empty and this model has no BOS token to start from")
    _warn_about_double_bos(session, tokens)
    return tokens


def _checked_tokens(session: Session, prompt: Sequence[int]) -> List[int]:
    tokens = [int(token) for token in prompt]
    if not tokens:
        return prompt_tokens(session, "", None)
    in_vocabulary("prompt", tokens, session.n_vocab)
    _warn_about_double_bos(session, tokens)
    return tokens


def _warn_about_double_bos(session: Session, tokens: List[int]) -> None:
    bos = session.model.token_bos
    if bos >= 0 and tokens[:2] == [bos, bos]:
        warnings.warn(
            f"The prompt begins with two {session.model.token_text(bos)!r} tokens, which makes"
            " answers worse: leave it out of the prompt, it is added for you",
            RuntimeWarning,
            stacklevel=6,
        )


def _infill_tokens(session: Session, prompt: Union[str, List[int]], suffix: str) -> List[int]:
    """Returns prefix and suffix in the model's own markers and order, to fill in the gap."""
    model = session.model
    if isinstance(prompt, str):
        before = (
            session.tokenizer.tokenize(encode(prompt, "The prompt"), False, False) if prompt else []
        )
    else:
        before = list(prompt)
        in_vocabulary("prompt", before, session.n_vocab)
    prefix_part = [model.token_fim_pre, *before]
    suffix_part = [model.token_fim_suf, *tokens_without_space(session.tokenizer, suffix)]
    if session.spm_infill:
        return [*suffix_part, *prefix_part, model.token_fim_mid]
    return [*prefix_part, *suffix_part, model.token_fim_mid]


def tokens_without_space(
    tokenizer: Union[BaseLlamaTokenizer, _core.Model], text: str, special: bool = False
) -> List[int]:
    """Returns the tokens of a text that goes on another one: no space is put before it."""
    if not text:
        return []
    head = tokenizer.tokenize(_SENTINEL.encode(), False, special)
    whole = tokenizer.tokenize(encode(_SENTINEL + text, "The suffix"), False, special)
    if whole[: len(head)] == head:
        return whole[len(head) :]
    return tokenizer.tokenize(text.encode(), False, special)
