"""Patches for the pinned llama.cpp. The head of each gives the reason and upstream's state."""

_NAMES = [
    "amx-3d-weights",
    "amx-one-block",
    "amx-input-layout",
    "amx-tile-config",
    "amx-large-weights",
    "repack-input-layout",
    "repack-scales-alignment",
    "encoder-logits",
    "interrupt-callback",
    "grammar-bounded-work",
    "schema-optional-properties",
    "one-tool-call",
    "jinja-limits",
    "jinja-local-time",
    "jinja-characters",
    "threads-give-way",
    "abort-within-a-node",
    "mtmd-abort-callback",
    "server-cancel",
    "server-shared-prompts",
    "arguments-return",
    "pixtral-image-break",
    "sgemm-registers",
    "kv-cache-no-layers",
    "cpu-supported-types",
    "checks-while-building",
    "vocabularies-of-any-file",
    "state-strings",
    "graph-memory-type",
    "divisors",
    "ngram-new-text",
    "server-hybrid-window",
    "rpc-lost-server",
    "lost-device",
    "server-backend-exceptions",
    "device-states",
    "vnni-products",
    "f16-products",
    "f16-instruction",
    "windows-paths",
]

LLAMA_CPP_PATCHES = [
    Label("//third_party/llama.cpp:patches/{}.patch".format(name))
    for name in _NAMES
]
