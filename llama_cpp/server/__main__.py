"""``python -m llama_cpp.server``."""

from __future__ import annotations

import argparse
import os
import sys
from typing import List, Optional, Tuple

import uvicorn
from pydantic import ValidationError

from .app import application
from .cli import add_args_from_model, parse_model_from_args
from .config import read_config
from .model import LlamaProxy
from .settings import ModelSettings, ServerSettings, Settings

_EXAMPLES = """examples:
  python -m llama_cpp.server --model model.gguf
  python -m llama_cpp.server --model model.gguf --n_ctx 8192 --n_parallel 8 --n_gpu_layers auto
  python -m llama_cpp.server --config_file server.json

Each option can be an environment variable, too: N_CTX=8192. The page http://localhost:8000/docs
lists the routes.
"""


def main(argv: Optional[List[str]] = None, prog: str = "python -m llama_cpp.server") -> int:
    """Runs the server until SIGINT or SIGTERM; returns the exit status."""
    parser = _parser(prog)
    arguments = parser.parse_args(argv)
    try:
        settings, models = _settings(arguments)
        proxy = LlamaProxy(models, settings)
    except ValidationError as error:
        return _fail(_readable(error))
    except (ImportError, OSError, ValueError) as error:
        return _fail(str(error))
    return _serve(settings, proxy)


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Serve GGUF models over HTTP: OpenAI's, Anthropic's and llama-server's routes.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_args_from_model(parser, Settings)
    parser.add_argument(
        "--config_file",
        "--config-file",
        dest="config_file",
        metavar="PATH",
        help="Settings of the server and of several models, as JSON or YAML. Options of the server"
        " are above it.",
    )
    return parser


def _settings(arguments: argparse.Namespace) -> Tuple[ServerSettings, List[ModelSettings]]:
    config = arguments.config_file or os.environ.get("CONFIG_FILE")
    if not config:
        return (
            parse_model_from_args(ServerSettings, arguments),
            [parse_model_from_args(ModelSettings, arguments)],
        )
    given = {name: value for name, value in vars(arguments).items() if value is not None}
    of_models = ", ".join(f"--{name}" for name in given if name in ModelSettings.model_fields)
    if of_models:
        raise ValueError(
            f"{of_models} cannot be used together with a config file, which has several models\n"
            "Write it into the file."
        )
    given.pop("config_file", None)
    return read_config(config, given)


def _serve(settings: ServerSettings, proxy: LlamaProxy) -> int:
    def stop(error: BaseException) -> None:
        server.should_exit = True

    app = application(settings, proxy, stop)
    if settings.api_key is None and not _is_loopback(settings.host):
        print(
            f"warning: everybody who reaches {settings.host} may use the server\nSet api_key.",
            file=sys.stderr,
        )
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            ssl_keyfile=settings.ssl_keyfile,
            ssl_certfile=settings.ssl_certfile,
            # This parser gives up on headers without an end.
            http="h11",
            h11_max_incomplete_event_size=settings.max_header_kib << 10,
            timeout_graceful_shutdown=settings.timeout_graceful_shutdown,
            server_header=False,
        )
    )
    try:
        server.run()
    except KeyboardInterrupt:  # after the server has ended
        return 130
    return 0 if server.started and proxy.first_error is None else 1


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def _readable(error: ValidationError) -> str:
    """Returns the wrong settings, one on a line."""
    lines = []
    for each in error.errors():
        name = ".".join(str(part) for part in each["loc"] if not str(part).startswith("function-"))
        if each["type"] == "missing" and name == "model":
            return "There is no model\nSet --model to the path of a GGUF file."
        lines.append(f"{name}: {each['msg']}")
    return "\n".join([*lines, "--help lists the settings."])


def _fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
