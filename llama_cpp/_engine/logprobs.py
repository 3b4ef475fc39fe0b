"""OpenAI's `logprobs` of a completion, collected token by token."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence

from .. import _core
from .session import Session, TopLogprobs
from .token_text import TextPosition, token_text


class Logprobs:
    """Collects OpenAI's `logprobs` of a completion, token by token."""

    def __init__(
        self,
        session: Session,
        k: int,
        prompt: List[int],
        text: str,
        begun: bytes,
        strip_space: bool,
        preserved: Sequence[int],
    ) -> None:
        """Begins after a prompt.

        Args:
            session: the session that generates.
            k: the number of best tokens to give in the place of each.
            prompt: the prompt's tokens.
            text: the prompt's text.
            begun: bytes of a character that the prompt's last token leaves incomplete.
            strip_space: whether the first generated piece loses its space.
            preserved: control tokens that are shown as text.
        """
        self._session = session
        self._k = k
        self._prompt = prompt
        self._text = text
        self._begun = begun
        self._strip_space = strip_space
        self._preserved = preserved
        self._evaluated = len(prompt)  # when the next token is drawn
        self._position = TextPosition(len(text))
        self._position.add(begun)
        self._clear()

    def _clear(self) -> None:
        self._tokens: List[str] = []
        self._offsets: List[int] = []
        self._values: List[Optional[float]] = []
        self._best: List[Optional[Dict[str, float]]] = []

    def take(self) -> Dict[str, Any]:
        """Returns the tokens added since the last call."""
        taken = {
            "tokens": self._tokens,
            "text_offset": self._offsets,
            "token_logprobs": self._values,
            "top_logprobs": self._best,
        }
        self._clear()
        return taken

    def record(self, tokens: Iterator[int], is_eog: Callable[[int], bool]) -> Iterator[int]:
        """Passes generated tokens through, and adds them."""
        session = self._session
        while True:
            with session.lock:  # nobody overwrites the logits in between
                token = next(tokens, None)
                if token is None:
                    return
                if not is_eog(token):
                    row = self._evaluated - 1 - session.n_tokens
                    found = _core.top_logprobs(session.ctx, row, token, self._k)
                    self._add_generated(token, found)
                    self._evaluated += 1
            yield token

    def _add_generated(self, token: int, found: TopLogprobs) -> None:
        piece = self._piece(token)
        if self._strip_space and piece:
            self._strip_space = False
            piece = piece[1:] if piece.startswith(b" ") else piece
        self._add(token, piece, self._position.add(piece), found)

    def add_prompt(self) -> None:
        """Evaluates the prompt, and adds its tokens.

        OpenAI gives no values for the first one. BOS is not part of the text.
        """
        tokens = self._prompt
        values: List[Optional[TopLogprobs]] = [None, *self._session.score_prompt(tokens, self._k)]
        position = TextPosition(0)
        for index, (token, piece) in enumerate(zip(tokens, self._prompt_pieces())):
            offset = position.add(piece)
            if index > 0 or token != self._session.model.token_bos:
                self._add(token, piece, offset, values[index] if self._tokens else None)

    def _prompt_pieces(self) -> Iterator[bytes]:
        """Yields the part of the prompt's text that each of its tokens stands for.

        That is none for the tokens that the model wants around a prompt, and a first word may have
        got a space. Where a tokenizer changes the text it is the token's own.
        """
        text = self._text.encode("utf-8", "replace") + self._begun
        begin = 0
        for token in self._prompt:
            shown = self._session.model.token_to_piece(token, True)
            if begin == 0 and shown[:1] == b" " and not text.startswith(shown):
                shown = shown[1:]
            if not text.startswith(shown, begin):
                shown = self._piece(token)
            begin += len(shown)
            yield shown

    def _add(self, token: int, piece: bytes, offset: int, found: Optional[TopLogprobs]) -> None:
        name = token_text(piece)
        self._tokens.append(name)
        self._offsets.append(offset)
        if found is None:
            self._values.append(None)
            self._best.append(None)
            return
        value, best = found
        names: Dict[str, float] = {}
        for other, logprob in best:  # best first: it keeps a name that several tokens have
            special = self._session.model.token_to_piece(other, True)
            names.setdefault(name if other == token else token_text(special), logprob)
        self._values.append(value)
        self._best.append({**names, name: value})

    def _piece(self, token: int) -> bytes:
        """Returns the bytes that the token brings into the text: none if it is a control token."""
        return self._session.model.token_to_piece(token, token in self._preserved)
