"""An HTTP server with OpenAI's, Anthropic's and llama-server's routes.

``python -m llama_cpp.server --model model.gguf`` runs it. It needs the extra ``server``:
``pip install "llama-cpp-python[server]"``.
"""

from __future__ import annotations

from importlib.util import find_spec

# Modules of the extra's packages.
_NEEDED = ("fastapi", "pydantic_settings", "python_multipart", "uvicorn")

_missing = [name for name in _NEEDED if find_spec(name) is None]
if _missing:
    raise ImportError(
        f"llama_cpp.server needs packages that are not installed: {', '.join(_missing)}\n"
        'pip install "llama-cpp-python[server]"'
    )
