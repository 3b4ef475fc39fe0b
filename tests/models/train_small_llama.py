"""Trains kjv-q8_0.gguf, the small model that is committed beside this script.

    pip install -r train-requirements.txt
    python train_small_llama.py --out kjv-q8_0.gguf

About half an hour on two cores. The text is fetched through apt (corpus.py). The seed is fixed:
one machine and one set of package versions give one model, but another CPU may round
differently, which is why the file is committed.
"""

from __future__ import annotations

import argparse
import io
import math
import os
import time
from pathlib import Path

# On a shared machine threads that spin while they wait triple the time that a step takes. The
# OpenMP runtime reads this when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import conversations
import corpus
import numpy as np
import sentencepiece
import torch
from gguf import GGMLQuantizationType, TokenType
from llama_gguf import KJV as SHAPE
from llama_gguf import Vocabulary, write_llama
from torch import Tensor, nn
from torch.nn import functional

SEED = 1611
BATCH = 8
CHAT_SHARE = 2  # rows of a batch that come from conversations
LEARNING_RATE = 3e-3
WARM_UP_STEPS = 50
DESCRIPTION = (
    "A 3.5-million-parameter Llama-architecture model for software tests. Trained on the King "
    "James Bible (1611, public domain) and on made-up conversations. Of no other use."
)


# The tokenizer ------------------------------------------------------------------------------


def train_tokenizer(texts: list[str]) -> sentencepiece.SentencePieceProcessor:
    """Returns a byte-pair vocabulary that gives back every UTF-8 text unchanged."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(line for text in texts for line in text.split("\n") if line),
        model_writer=model,
        model_type="bpe",
        vocab_size=SHAPE.n_vocab,
        byte_fallback=True,
        split_digits=True,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        # Every printable character on its own, so that any JSON can be written.
        required_chars="".join(chr(c) for c in range(0x21, 0x7F)),
        control_symbols="<|im_start|>,<|im_end|>",
        num_threads=1,
        minloglevel=2,
    )
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def to_vocabulary(tokenizer: sentencepiece.SentencePieceProcessor) -> Vocabulary:
    def token_type(token: int) -> int:
        if tokenizer.is_unknown(token):
            return int(TokenType.UNKNOWN)
        if tokenizer.is_control(token):
            return int(TokenType.CONTROL)
        return int(TokenType.BYTE if tokenizer.is_byte(token) else TokenType.NORMAL)

    tokens = range(tokenizer.vocab_size())
    return Vocabulary(
        pieces=[tokenizer.id_to_piece(token).encode() for token in tokens],
        scores=[tokenizer.get_score(token) for token in tokens],
        types=[token_type(token) for token in tokens],
        unk_id=tokenizer.unk_id(),
        bos_id=tokenizer.bos_id(),
        eos_id=tokenizer.eos_id(),
        eot_id=tokenizer.piece_to_id("<|im_end|>"),
        chat_template=conversations.TEMPLATE,
    )


def encode(tokenizer: sentencepiece.SentencePieceProcessor, texts: list[str]) -> Tensor:
    """Returns all documents in one row of token ids, each between <s> and </s>."""
    ids: list[int] = []
    for text in texts:
        ids.append(tokenizer.bos_id())
        ids += _encode_turns(tokenizer, text)
        ids.append(tokenizer.eos_id())
    return torch.tensor(ids)


def _encode_turns(tokenizer: sentencepiece.SentencePieceProcessor, text: str) -> list[int]:
    # SentencePiece never makes a control symbol out of text, so split at the two markers.
    ids: list[int] = []
    for i, part in enumerate(text.split("<|im_start|>")):
        if i:
            ids.append(tokenizer.piece_to_id("<|im_start|>"))
        for j, piece in enumerate(part.split("<|im_end|>")):
            if j:
                ids.append(tokenizer.piece_to_id("<|im_end|>"))
            ids += tokenizer.encode(piece)
    return ids


# The model: parameters are named as in GGUF -------------------------------------------------


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        kv_width = SHAPE.n_head_kv * SHAPE.head_dim
        self.attn_norm = nn.RMSNorm(SHAPE.n_embd, eps=SHAPE.rms_eps)
        self.attn_q = nn.Linear(SHAPE.n_embd, SHAPE.n_embd, bias=False)
        self.attn_k = nn.Linear(SHAPE.n_embd, kv_width, bias=False)
        self.attn_v = nn.Linear(SHAPE.n_embd, kv_width, bias=False)
        self.attn_output = nn.Linear(SHAPE.n_embd, SHAPE.n_embd, bias=False)
        self.ffn_norm = nn.RMSNorm(SHAPE.n_embd, eps=SHAPE.rms_eps)
        self.ffn_gate = nn.Linear(SHAPE.n_embd, SHAPE.n_ff, bias=False)
        self.ffn_up = nn.Linear(SHAPE.n_embd, SHAPE.n_ff, bias=False)
        self.ffn_down = nn.Linear(SHAPE.n_ff, SHAPE.n_embd, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        x = x + self._attention(self.attn_norm(x), cos, sin)
        h = self.ffn_norm(x)
        return x + self.ffn_down(functional.silu(self.ffn_gate(h)) * self.ffn_up(h))

    def _attention(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        rows, length, _ = x.shape

        def heads(projected: Tensor) -> Tensor:
            return projected.view(rows, length, -1, SHAPE.head_dim).transpose(1, 2)

        q = rotate(heads(self.attn_q(x)), cos, sin)
        k = rotate(heads(self.attn_k(x)), cos, sin)
        v = heads(self.attn_v(x))
        repeats = SHAPE.n_head // SHAPE.n_head_kv
        y = functional.scaled_dot_product_attention(
            q,
            k.repeat_interleave(repeats, dim=1),
            v.repeat_interleave(repeats, dim=1),
            is_causal=True,
        )
        return self.attn_output(y.transpose(1, 2).reshape(rows, length, -1))


class SmallLlama(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.token_embd = nn.Embedding(SHAPE.n_vocab, SHAPE.n_embd)
        self.blk = nn.ModuleList(Block() for _ in range(SHAPE.n_layer))
        self.output_norm = nn.RMSNorm(SHAPE.n_embd, eps=SHAPE.rms_eps)
        self.apply(self._initialise)

    @staticmethod
    def _initialise(module: nn.Module) -> None:
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.02)

    def forward(self, tokens: Tensor) -> Tensor:
        cos, sin = rotation_table(tokens.shape[1])
        x = self.token_embd(tokens)
        for block in self.blk:
            x = block(x, cos, sin)
        return functional.linear(self.output_norm(x), self.token_embd.weight)


def rotation_table(length: int) -> tuple[Tensor, Tensor]:
    frequencies = SHAPE.rope_theta ** (-torch.arange(0, SHAPE.head_dim, 2) / SHAPE.head_dim)
    angles = torch.arange(length)[:, None] * frequencies
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    # Adjacent elements form a pair, as GGUF's llama architecture has it.
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)


# Training -----------------------------------------------------------------------------------


def train(model: SmallLlama, bible: Tensor, chat: Tensor, steps: int) -> None:
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}],
        lr=LEARNING_RATE,
        betas=(0.9, 0.95),
        fused=True,
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, steps))
    generator = torch.Generator().manual_seed(SEED)
    started = time.monotonic()
    for step in range(steps):
        batch = torch.cat(
            [
                windows(bible, BATCH - CHAT_SHARE, generator),
                windows(chat, CHAT_SHARE, generator),
            ]
        )
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(batch[:, :-1])
        losses = functional.cross_entropy(
            logits.float().flatten(0, 1), batch[:, 1:].flatten(), reduction="none"
        ).view(BATCH, -1)
        optimizer.zero_grad(set_to_none=True)
        losses.mean().backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 25 == 0 or step == steps - 1:
            text, talk = losses[:-CHAT_SHARE].mean(), losses[-CHAT_SHARE:].mean()
            print(
                f"step {step}/{steps}  loss: text {text:.3f}, chat {talk:.3f}  "
                f"{time.monotonic() - started:.0f} s",
                flush=True,
            )


def rate(step: int, steps: int) -> float:
    """Linear warm-up, then half a cosine down to a twentieth."""
    if step < WARM_UP_STEPS:
        return (step + 1) / WARM_UP_STEPS
    done = (step - WARM_UP_STEPS) / max(1, steps - WARM_UP_STEPS)
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * done))


def windows(ids: Tensor, count: int, generator: torch.Generator) -> Tensor:
    starts = torch.randint(len(ids) - SHAPE.n_ctx - 1, (count,), generator=generator)
    return torch.stack([ids[start : start + SHAPE.n_ctx + 1] for start in starts.tolist()])


def to_tensors(model: SmallLlama) -> dict[str, np.ndarray]:
    state = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    return {name: state[name] for name in SHAPE.tensor_shapes()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="the .gguf file to write")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()

    torch.manual_seed(SEED)
    torch.set_num_threads(args.threads)
    chapters = corpus.chapters()
    talks = conversations.conversations(corpus.verses(chapters), count=6000, seed=SEED)
    tokenizer = train_tokenizer(chapters + talks[:600])
    bible, chat = encode(tokenizer, chapters), encode(tokenizer, talks)
    print(f"{len(chapters)} chapters, {len(bible)} tokens; {len(talks)} talks, {len(chat)} tokens")

    model = SmallLlama()
    train(model, bible, chat, args.steps)
    write_llama(
        args.out,
        name="kjv",
        shape=SHAPE,
        tensors=to_tensors(model),
        qtype=GGMLQuantizationType.Q8_0,
        vocabulary=to_vocabulary(tokenizer),
        licence="CC0-1.0",
        description=DESCRIPTION,
    )
    print(f"{args.out}: {args.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
