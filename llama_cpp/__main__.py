"""The command line: ``python -m llama_cpp`` with info, generate, chat, serve or rpc-server."""

from __future__ import annotations

import argparse
import json
import os
import stat
import sys
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Optional

from . import _info, _rpc_server
from ._engine import paths, projector_files

_EXAMPLES = """examples:
  python -m llama_cpp info
  python -m llama_cpp chat --model model.gguf
  python -m llama_cpp serve --model model.gguf
  python -m llama_cpp rpc-server --device CUDA0
  python -m llama_cpp generate --model model.gguf "Once upon a time"
  python -m llama_cpp generate --model model.gguf --chat --system "Be brief." "What is 2+2?"
  python -m llama_cpp generate --model model.gguf --chat --image cat.png "Describe it."
  python -m llama_cpp generate --model model.gguf --json-schema schema.json "A cat as JSON:"
  python -m llama_cpp generate --model model.gguf --embedding "some text"
  echo "a long prompt" | python -m llama_cpp generate --model model.gguf -
"""


def main(argv: Optional[List[str]] = None) -> int:
    """Runs the command line; returns the exit status."""
    words = sys.argv[1:] if argv is None else argv
    arguments = _parser().parse_args(words[:1] if words[:1] == ["serve"] else words)
    try:
        if words[:1] == ["serve"]:
            return _run_serve(words[1:])
        return arguments.run(arguments)
    except BrokenPipeError:  # whoever read our output has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m llama_cpp",
        description="Run GGUF models with llama.cpp.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_info(commands)
    _add_generate(commands)
    _add_chat(commands)
    commands.add_parser("serve", help="serve models over HTTP; serve --help lists the options")
    _rpc_server.add_command(commands)
    return parser


def _add_info(commands: Any) -> None:
    info = commands.add_parser(
        "info",
        help="show the version, the build, the chosen CPU code and why, and the devices",
        description="Show the installation and the machine that it runs on. The table lists every"
        " CPU variant of the build with its score on this CPU (0: cannot run here); * marks the"
        " loaded one."
        " LLAMA_CPP_CPU_VARIANT=<name> forces one.",
    )
    info.add_argument("--json", action="store_true", help="print everything as JSON")
    _add_rpc_servers(info, "list the devices of these RPC servers, too")
    info.set_defaults(run=_run_info)


def _run_info(arguments: argparse.Namespace) -> int:
    info = _info.collect(arguments.rpc_servers)
    print(json.dumps(info, indent=2) if arguments.json else _info.render(info))
    return 1 if info["errors"] else 0


def _add_generate(commands: Any) -> None:
    generate = commands.add_parser(
        "generate",
        help="continue a text, answer a chat message, or compute an embedding",
        description="Continue PROMPT, answer it (--chat), or compute its embedding (--embedding).",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    generate.add_argument("prompt", help="the text; - reads it from standard input")
    generate.add_argument("--model", required=True, metavar="PATH", help="the GGUF file")
    generate.add_argument(
        "--stream",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="print the text as it comes (default), or all at once",
    )
    generate.add_argument(
        "--max-tokens",
        type=int,
        default=128,
        metavar="N",
        help="stop after N tokens; 0: only the context is the limit (default 128)",
    )
    _add_sampling(generate)
    generate.add_argument("--chat", action="store_true", help="PROMPT is a message to answer")
    generate.add_argument("--system", metavar="TEXT", help="system message, with --chat")
    _add_media(generate)
    generate.add_argument(
        "--json-schema",
        metavar="FILE|JSON",
        help="generate only JSON that fits this schema: a file, or the schema itself",
    )
    generate.add_argument(
        "--embedding", action="store_true", help="print the embedding of PROMPT as a JSON list"
    )
    _add_loading(generate)
    generate.set_defaults(run=_run_generate)


def _add_chat(commands: Any) -> None:
    chat = commands.add_parser(
        "chat",
        help="talk with a model",
        description="Talk with a model. Each line is a message; /clear begins a new conversation,"
        " /exit or the end of the input ends it, and Ctrl-C ends an answer.",
    )
    chat.add_argument("--model", required=True, metavar="PATH", help="the GGUF file")
    chat.add_argument("--system", metavar="TEXT", help="system message")
    chat.add_argument(
        "--max-tokens",
        type=int,
        metavar="N",
        help="end an answer after N tokens (default: only the context is the limit)",
    )
    _add_sampling(chat)
    _add_loading(chat)
    chat.set_defaults(run=_run_chat)


def _add_sampling(command: Any) -> None:
    command.add_argument(
        "--temperature",
        type=float,
        default=0.8,
        metavar="T",
        help="0 always takes the likeliest token, more is more varied (default 0.8)",
    )
    command.add_argument("--seed", type=int, metavar="N", help="the same seed, the same text")


def _add_loading(command: Any) -> None:
    command.add_argument(
        "--n-ctx", type=int, default=0, metavar="N", help="context window (default: as trained)"
    )
    command.add_argument("--threads", type=int, metavar="N", help="CPU threads")
    command.add_argument(
        "--n-gpu-layers",
        type=_gpu_layers,
        default=0,
        metavar="N|auto",
        help="layers on the GPU; -1: all; auto: as many as it has memory for (default 0)",
    )
    _add_rpc_servers(command, "machines whose devices hold layers, too, with --n-gpu-layers")
    command.add_argument("--verbose", action="store_true", help="show llama.cpp's messages")


def _add_rpc_servers(command: Any, text: str) -> None:
    command.add_argument("--rpc-servers", metavar="HOST:PORT[,...]", help=text)


def _add_media(generate: Any) -> None:
    for kind, shown in (("image", "an image"), ("audio", "a sound")):
        generate.add_argument(
            f"--{kind}",
            action="append",
            default=[],
            dest="media",
            type=_part(kind),
            metavar="FILE",
            help=f"{shown} that the message begins with, with --chat; may be given several times",
        )
    generate.add_argument(
        "--mmproj",
        metavar="FILE",
        help="the projector that reads images and sounds (default: the only file that is called"
        " like mmproj*.gguf in the model's directory)",
    )


def _part(kind: str) -> Callable[[str], Dict[str, Any]]:
    """Returns the function that makes a part of a message of a path."""
    return lambda path: {"type": kind, kind: Path(path)}


def _gpu_layers(text: str) -> Any:
    """Returns a number where the text is one; Llama refuses another text."""
    try:
        return int(text)
    except ValueError:
        return text


def _run_serve(options: List[str]) -> int:
    from .server.__main__ import main as serve

    return serve(options, "python -m llama_cpp serve")


def _run_chat(arguments: argparse.Namespace) -> int:
    from . import _console

    return _console.converse(
        _load(arguments),
        arguments.system,
        max_tokens=arguments.max_tokens,
        temperature=arguments.temperature,
        seed=arguments.seed,
    )


def _load(arguments: argparse.Namespace, **more: Any) -> Any:
    """Returns the Llama of --model and of the options of _add_loading()."""
    from .llama import Llama

    return Llama(
        arguments.model,
        n_ctx=arguments.n_ctx,
        n_threads=arguments.threads,
        n_threads_batch=arguments.threads,
        n_gpu_layers=arguments.n_gpu_layers,
        rpc_servers=arguments.rpc_servers,
        verbose=arguments.verbose,
        **more,
    )


def _run_generate(arguments: argparse.Namespace) -> int:
    if arguments.system is not None and not arguments.chat:
        raise ValueError("--system needs --chat: a plain prompt has no system message")
    _check_media(arguments)
    prompt = sys.stdin.read() if arguments.prompt == "-" else arguments.prompt
    llama = _load(arguments, embedding=arguments.embedding, mmproj_path=_projector(arguments))
    if arguments.embedding:
        print(json.dumps(llama.embed(prompt)))
        return 0
    answer = _chat(llama, arguments, prompt) if arguments.chat else _text(llama, arguments, prompt)
    for piece in answer:
        print(piece, end="", flush=True)
    print()
    return 0


def _check_media(arguments: argparse.Namespace) -> None:
    """Raises ValueError if images and sounds cannot be used like this, before a model is loaded."""
    files = [(f"--{part['type']}", part[part["type"]]) for part in arguments.media]
    if arguments.mmproj is not None:
        files.append(("--mmproj", arguments.mmproj))
    for option, path in files:
        if not arguments.chat:
            raise ValueError(
                f"{option} needs --chat: a plain prompt has no images and sounds\nAdd --chat."
            )
        if arguments.embedding:
            raise ValueError(
                f"{option} cannot be used with --embedding, which is that of a text\n"
                f"Leave {option} or --embedding out."
            )
        _check_file(option, path)


def _check_file(option: str, path: paths.StrPath) -> None:
    try:
        is_directory = stat.S_ISDIR(os.stat(path).st_mode)
    except OSError as error:
        reason = error.strerror
    else:
        if not is_directory:
            return
        reason = "It is a directory"
    where = "" if os.path.isabs(path) else f" Relative paths start at {paths.shown(os.getcwd())}."
    raise ValueError(
        f"The file of {option} cannot be read: {paths.shown(path)}: {reason}\n"
        f"Pass {option} and the path of a file.{where}"
    )


def _projector(arguments: argparse.Namespace) -> Optional[str]:
    """Returns the projector to load: that of --mmproj, or the one beside the model if needed."""
    if arguments.mmproj is not None or not arguments.media:
        return arguments.mmproj
    paths.check_exists(arguments.model)
    found = projector_files.beside(arguments.model)
    if len(found) == 1:
        return found[0]
    directory = paths.shown(os.path.dirname(os.path.abspath(arguments.model)))
    if not found:
        raise ValueError(
            "Images and sounds need the model's projector, and no file in the model's directory,"
            f" {directory}, is called like mmproj*.gguf\n"
            "Pass it, for example: --mmproj mmproj-model-f16.gguf"
        )
    names = ", ".join(paths.shown(os.path.basename(path)) for path in found)
    raise ValueError(
        f"More than one projector is in the model's directory, {directory}: {names}\n"
        f"Pass the model's own, for example: --mmproj {paths.shown(found[0])}"
    )


def _options(arguments: argparse.Namespace) -> Dict[str, Any]:
    return {
        "max_tokens": arguments.max_tokens,
        "temperature": arguments.temperature,
        "seed": arguments.seed,
        "stream": arguments.stream,
    }


def _text(llama: Any, arguments: argparse.Namespace, prompt: str) -> Iterable[str]:
    from .llama_grammar import LlamaGrammar

    grammar = None
    if arguments.json_schema:
        grammar = LlamaGrammar.from_json_schema(_schema_text(arguments.json_schema))
    answer = llama.create_completion(prompt, grammar=grammar, **_options(arguments))
    chunks = answer if arguments.stream else [answer]
    return (chunk["choices"][0]["text"] for chunk in chunks)


def _chat(llama: Any, arguments: argparse.Namespace, prompt: str) -> Iterable[str]:
    content = [*arguments.media, {"type": "text", "text": prompt}] if arguments.media else prompt
    messages = [{"role": "user", "content": content}]
    if arguments.system is not None:
        messages.insert(0, {"role": "system", "content": arguments.system})
    response_format = None
    if arguments.json_schema:
        schema = json.loads(_schema_text(arguments.json_schema))
        response_format = {"type": "json_schema", "json_schema": {"schema": schema}}
    answer = llama.create_chat_completion(
        messages, response_format=response_format, **_options(arguments)
    )
    if not arguments.stream:
        return [answer["choices"][0]["message"]["content"] or ""]
    return (chunk["choices"][0]["delta"].get("content") or "" for chunk in answer)


def _schema_text(argument: str) -> str:
    """Returns the schema: the content of a file, or the argument itself. ValueError if no JSON."""
    text = argument
    if not argument.lstrip().startswith("{"):
        text = paths.read_text(argument)
    try:
        json.loads(text)
    except ValueError as error:
        raise ValueError(f"--json-schema is not valid JSON: {error}") from error
    return text


if __name__ == "__main__":
    sys.exit(main())
