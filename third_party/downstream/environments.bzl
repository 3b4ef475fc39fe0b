"""Packages that use llama-cpp-python, whose tests are in tests/package/downstream.

docs/howto/downstream.md says how to add one and how to move a pin.
"""

# Our own extra [server].
_SERVER = [
    "fastapi",
    "pydantic-settings",
    "python-multipart",
    "uvicorn",
]

# Environment -> requirements, as pip takes them. lock.bzl has the versions.
ENVIRONMENTS = {
    "guidance": ["guidance"],
    "instructor": ["instructor"],
    "langchain": ["langchain-community"],
    "llama_cpp_agent": ["llama-cpp-agent"],
    "llama_cpp_haystack": ["llama-cpp-haystack"],
    "llama_index": ["llama-index-llms-llama-cpp"],
    "llguidance": ["llguidance"],
    "llm_gguf": ["llm-gguf"],
    "lm_format_enforcer": ["lm-format-enforcer"],
    # Imports of its module GGUFModel; the package itself is in NO_DEPS.
    "outetts": [
        "loguru",
        "packaging",
        "tqdm",
    ],
    # xgrammar, its third backend, needs PyTorch.
    "outlines": ["outlines[llamacpp,llguidance]"],
    "pixeltable": ["pixeltable"],
    # Not a package that uses ours, but our own extra, and clients of it: tests/package/server.
    "server": [
        "PyYAML",
        "anthropic",
        "httpx",
        "openai",
    ] + _SERVER,
    # A client of the server, and one that makes up requests for it.
    "litellm": ["litellm"] + _SERVER,
    "schemathesis": ["schemathesis"] + _SERVER,
    # Imports of upstream's own tests of its server: tests/upstream/server.
    "upstream_server": [
        "filelock",
        "openai",
        "requests",
    ] + _SERVER,
}

# Environment -> packages that are installed without their requirements. Those of outetts are
# PyTorch and audio codecs, and llama-cpp-python==0.3.9.
NO_DEPS = {
    "outetts": ["outetts"],
}

# Each environment has these too.
COMMON = ["pytest"]

# ABIs of the Pythons that the environments are locked for.
LOCKED_ABIS = [
    "cp311",
    "cp312",
]
