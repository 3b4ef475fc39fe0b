"""Measures how much faster a model generates with drafts than without, by each way to draft.

    python speculation.py --model model.gguf [--draft draft.gguf] [--text FILE] [--threads N]

README.md says how to read it.
"""

from __future__ import annotations

import argparse
import statistics
import time
from itertools import islice
from pathlib import Path

from llama_cpp import Llama, SpeculativeOptions
from llama_cpp.llama_speculative import LlamaPromptLookupDecoding

# Every model goes on with the same line, as it does with code or a document that it edits.
REPETITIVE = 8 * "Check the valve, write the pressure into the log, and sign it.\n"
NGRAMS = ("ngram-simple", "ngram-map-k", "ngram-map-k4v", "ngram-mod", "ngram-cache")


def ways(draft: Path | None, size_n: int, n_max: int) -> dict[str, object]:
    """Returns the draft models by name; the first one is none."""
    found: dict[str, object] = {"none": None, "prompt lookup": LlamaPromptLookupDecoding(3, n_max)}
    for name in NGRAMS:
        found[name] = SpeculativeOptions(
            types=name, size_n=size_n, n_max=n_max, n_match=size_n, n_min=1
        )
    if draft is not None:
        found["draft model"] = SpeculativeOptions(model=str(draft))
    return found


def timed(llm: Llama, prompt: list[int], count: int) -> tuple[list[int], float]:
    """Returns the tokens after a prompt, and the seconds that all but the first one took."""
    tokens = llm.generate(prompt, temp=0.0)
    first = next(tokens)
    start = time.perf_counter()
    rest = list(islice(tokens, count - 1))
    return [first, *rest], time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--draft", type=Path, help="a smaller model of the same vocabulary")
    parser.add_argument("--text", type=Path, help="a prompt, instead of a line eight times")
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--threads", type=int, help="default: those of Llama")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size-n", type=int, default=5, help="tokens that n-grams look up")
    parser.add_argument("--n-max", type=int, default=12, help="most tokens of an n-gram's draft")
    args = parser.parse_args()
    text = args.text.read_text("utf-8") if args.text else REPETITIVE
    sides = {
        name: Llama(
            args.model,
            n_ctx=4096,
            n_threads=args.threads,
            n_threads_batch=args.threads,
            draft_model=way,
            verbose=False,
        )
        for name, way in ways(args.draft, args.size_n, args.n_max).items()
    }
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    answers = {}
    for _ in range(args.rounds):  # all take turns, so that a slower machine meets all alike
        for name, llm in sides.items():
            prompt = llm.tokenize(text.encode(), special=True)
            answers[name], spent = timed(llm, prompt, args.tokens)
            seconds[name].append(spent)
    print(f"{'':<16}{'tokens/s':>10}{'ratio':>8}{'drafted':>9}{'accepted':>10}  same text")
    for name, llm in sides.items():
        rate = (args.tokens - 1) / statistics.median(seconds[name])
        ratio = statistics.median(a / b for a, b in zip(seconds["none"], seconds[name]))
        counts = llm.speculation
        same = "yes" if answers[name] == answers["none"] else "no"
        print(
            f"{name:<16}{rate:>10.1f}{ratio:>8.2f}{counts.drafted:>9}{counts.rate:>10.0%}  {same}"
        )


if __name__ == "__main__":
    main()
