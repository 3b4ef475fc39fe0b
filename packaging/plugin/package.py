"""A backend of llama.cpp, which llama_cpp finds by its entry point. Import nothing of it."""

from __future__ import annotations

import os

from ._build_info import GGML_VERSION, LLAMA_CPP_COMMIT, NATIVE_DIGESTS, VERSION

__all__ = ["GGML_VERSION", "LIBRARY", "LLAMA_CPP_COMMIT", "VERSION"]

(_file,) = NATIVE_DIGESTS
LIBRARY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib", _file)
