"""guidance: a text in which the model fills in gaps, each with a rule of its own.

pip install llama-cpp-python guidance
python guidance_program.py MODEL.gguf
"""

from __future__ import annotations

import sys

from guidance import gen, models, select


def main(path: str) -> None:
    lm = models.LlamaCpp(path, n_ctx=0, echo=False)
    lm += "In the beginning God created " + select(["the heaven", "the sea"], name="first")
    lm += " and the earth. And it was " + gen("day", regex="[a-z]{3,12}", temperature=0.0)
    lm += ", the " + select(["first", "second", "seventh"], name="count") + " day."
    for gap in ("first", "day", "count"):
        print(f"{gap}: {lm[gap]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
