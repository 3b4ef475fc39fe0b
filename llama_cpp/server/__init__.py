"""An HTTP server with OpenAI's, Anthropic's and llama-server's routes: ``python -m llama_cpp.server``.

Needs the extra ``server``: ``pip install "llama-cpp-python[server]"``.
"""
