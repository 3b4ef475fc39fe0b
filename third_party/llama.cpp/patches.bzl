"""Patches that the pinned sources of llama.cpp need. The head of each says why, and what upstream knows of it."""

_NAMES = [
    "amx-3d-weights",
    "encoder-logits",
    "interrupt-callback",
    "threads-give-way",
]

LLAMA_CPP_PATCHES = [Label("//third_party/llama.cpp:patches/{}.patch".format(name)) for name in _NAMES]
