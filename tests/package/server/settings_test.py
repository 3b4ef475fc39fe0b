"""Settings have llama-cpp-python's names and defaults, and reach the engine."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from llama_cpp._engine.speculative_options import resolve
from llama_cpp._serving.drafts import draft_options
from llama_cpp.server.__main__ import _parser, _settings
from llama_cpp.server.app import create_app
from llama_cpp.server.cli import add_args_from_model, parse_model_from_args
from llama_cpp.server.config import read_config
from llama_cpp.server.engine_arguments import engine_arguments, warn_of_no_effect
from llama_cpp.server.settings import (
    ConfigFileSettings,
    ModelSettings,
    ServerSettings,
    Settings,
)

# settings.py of llama-cpp-python 0.3.36: its fields and their defaults.
PEER = json.loads((Path(__file__).parent / "peer_settings.json").read_text())
# Here the cores that the process may use.
CHANGED = {"n_threads", "n_threads_batch"}


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*Settings.model_fields, "config_file"):
        monkeypatch.delenv(name.upper(), raising=False)


def arguments_of(server: Any = None, **model: Any) -> dict[str, Any]:
    model.setdefault("model", "m.gguf")
    return engine_arguments(ModelSettings(**model), ServerSettings(**(server or {})))


def options_of(**settings: Any) -> str:
    return " ".join(arguments_of(**settings)["options"])


def parsed(*options: str) -> tuple[ServerSettings, list[ModelSettings]]:
    return _settings(_parser("x").parse_args(options))


def test_the_table_is_whole() -> None:
    assert (len(PEER["server"]), len(PEER["model"])) == (8, 48)


@pytest.mark.parametrize(
    ("kind", "settings", "name"),
    [
        (kind, settings, name)
        for kind, settings in (("server", ServerSettings), ("model", ModelSettings))
        for name in PEER[kind]
    ],
)
def test_names_and_defaults(kind: str, settings: Any, name: str) -> None:
    field = settings.model_fields[name]
    assert list(settings.model_fields)[: len(PEER[kind])] == list(PEER[kind])
    if name in CHANGED:
        assert field.default is None
    elif PEER[kind][name] == "required":
        assert field.is_required()
    else:
        assert field.default == PEER[kind][name]


def test_both_together_have_all() -> None:
    assert set(PEER["server"]) | set(PEER["model"]) <= set(Settings.model_fields)
    assert set(ConfigFileSettings.model_fields) == {*ServerSettings.model_fields, "models"}


# ---- where they come from


@pytest.mark.parametrize("dash", ["_", "-"])
def test_options(dash: str) -> None:
    line = (
        "--model m.gguf --n_ctx 100 --n_gpu_layers auto --tensor_split 1 2.5 --verbose false"
        ' --embedding --chat_template_kwargs {"a":1} --port 1 --numa 2 --flash_attn on'
    )
    server, (model,) = parsed(*[w.replace("_", dash) if w[0] == "-" else w for w in line.split()])
    assert (server.port, model.n_ctx, model.n_gpu_layers) == (1, 100, "auto")
    assert model.tensor_split == [1.0, 2.5] and model.chat_template_kwargs == {"a": 1}
    assert (model.verbose, model.embedding, model.flash_attn, model.numa) == (False, True, True, 2)


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("MODEL", "m.gguf"), ("N_CTX", "100"), ("PORT", "1"), ("API_KEY", "k")):
        monkeypatch.setenv(name, value)
    server, (model,) = parsed("--n_ctx", "200")
    assert (model.model, model.n_ctx, server.port, server.api_key) == ("m.gguf", 200, 1, "k")


CONFIG = {
    "host": "0.0.0.0",
    "port": 1,
    "models": [{"model": "a.gguf", "model_alias": "a"}, {"model": "b.gguf", "n_ctx": 100}],
}


@pytest.mark.parametrize("suffix", ["json", "yaml", "yml"])
@pytest.mark.parametrize("by", ["option", "environment", "function"])
def test_config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, by: str) -> None:
    path = tmp_path / f"config.{suffix}"
    if suffix == "json":
        path.write_text(json.dumps(CONFIG))
    else:
        path.write_text(
            "host: 0.0.0.0\nport: 1\nmodels:\n- model: a.gguf\n  model_alias: a\n"
            "- {model: b.gguf, n_ctx: 100}\n"
        )
    if by == "option":
        server, models = parsed("--config_file", str(path))
    elif by == "environment":
        monkeypatch.setenv("CONFIG_FILE", str(path))
        server, models = parsed()
    else:
        monkeypatch.setenv("CONFIG_FILE", str(path))
        state = create_app().state.llama
        server, models = state.settings, [state.proxy.settings_of(name) for name in state.proxy]
    assert (server.host, server.port) == ("0.0.0.0", 1)
    assert [model.name for model in models] == ["a", "b.gguf"] and models[1].n_ctx == 100


def test_host_and_port_of_the_environment_are_above_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG))
    monkeypatch.setenv("HOST", "127.0.0.1")
    monkeypatch.setenv("PORT", "2")
    server, _ = read_config(str(path))
    assert (server.host, server.port) == ("127.0.0.1", 2)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.json", "{", "is no JSON"),
        ("x.yaml", "{", "is no YAML"),
        ("x.json", "[]", "is no object of settings"),
        ("x.json", "{}", "has no models"),
        ("x.json", '{"models": [{"model": "m", "n_ctxx": 1}]}', "n_ctxx"),
        ("x.json", '{"models": [{"model": "m", "n_ctx": -1}]}', "n_ctx"),
        ("x.json", '{"model": "m"}', "model"),
        ("missing.json", None, "cannot be read"),
    ],
)
def test_wrong_config_files(tmp_path: Path, name: str, text: Any, message: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=message):
        read_config(str(tmp_path / name))


def test_a_config_file_and_options(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG))
    server, models = parsed("--config_file", str(path), "--port", "7")
    assert (server.host, server.port, len(models)) == ("0.0.0.0", 7, 2)
    with pytest.raises(ValueError, match="--n_ctx cannot be used together"):
        parsed("--config_file", str(path), "--n_ctx", "1")


def test_yaml_without_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.yaml").write_text("models: []")
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ImportError, match="pip install pyyaml"):
        read_config(str(tmp_path / "x.yaml"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_ctx": -1},
        {"n_batch": 0},
        {"n_gpu_layers": -2},
        {"n_gpu_layers": "all of them"},
        {"n_threads": 0},
        {"cache_type": "tape"},
        {"n_parallel": 0},
    ],
)
def test_wrong_values(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ModelSettings(model="m", **wrong)


def test_an_empty_key_is_no_key() -> None:
    """API_KEY= in a file of a service would let everybody in."""
    with pytest.raises(ValidationError):
        ServerSettings(api_key="")


def test_functions_of_the_command_line_are_public() -> None:
    parser = argparse.ArgumentParser()
    add_args_from_model(parser, ServerSettings)
    assert parse_model_from_args(ServerSettings, parser.parse_args(["--port", "3"])).port == 3


def test_settings_of_one_model() -> None:
    app = create_app(Settings(model="x/m.gguf", port=3, n_ctx=7))
    state = app.state.llama
    assert state.settings.port == 3 and state.proxy.settings_of("m.gguf").n_ctx == 7
    with pytest.raises(ValueError, match="belong together"):
        create_app(server_settings=ServerSettings())


# ---- where they go


def test_defaults_reach_the_engine() -> None:
    found = arguments_of()
    assert (found["n_ctx"], found["n_batch"], found["n_parallel"]) == (2048, 512, 4)
    assert found["cache_ram_mib"] == 0 and found["flash_attn"] is None
    assert found["options"] == ["--load-mode", "mmap+mlock", "--sse-ping-interval", "15"]


@pytest.mark.parametrize(
    ("settings", "name", "value"),
    [
        ({"n_threads": -1}, "n_threads", __import__("os").cpu_count()),
        ({"flash_attn": False}, "flash_attn", False),
        ({"flash_attn": True}, "flash_attn", True),
        ({"type_k": 8}, "type_k", "q8_0"),
        ({"type_v": "q4_0"}, "type_v", "q4_0"),
        ({"type_v": 30}, "type_v", "bf16"),
        ({"cache": True}, "cache_ram_mib", 2048),
        ({"cache": True, "cache_size": 1 << 20}, "cache_ram_mib", 1),
        ({"clip_model_path": "p.gguf"}, "mmproj_path", "p.gguf"),
        ({"lora_path": "l.gguf"}, "loras", {"l.gguf": 1.0}),
        ({"loras": {"l.gguf": 0.5}}, "loras", {"l.gguf": 0.5}),
        ({"pooling": "rank"}, "embedding", True),
        ({"model_alias": "x"}, "model_alias", "x"),
        ({"model": "a/b.gguf"}, "model_alias", "b.gguf"),
        ({"n_gpu_layers": "auto"}, "n_gpu_layers", "auto"),
        ({"rpc_servers": "a:1,b:2"}, "rpc_servers", "a:1,b:2"),
        ({"chat_template_kwargs": {"a": 1}}, "chat_template_kwargs", {"a": 1}),
    ],
)
def test_arguments(settings: dict[str, Any], name: str, value: Any) -> None:
    assert arguments_of(**settings)[name] == value


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        ({"use_mmap": True, "use_mlock": False}, "--load-mode mmap"),
        ({"use_mmap": False, "use_mlock": False}, "--load-mode none"),
        ({"use_mmap": False}, "--load-mode mlock"),
        ({"split_mode": 2, "main_gpu": 1}, "--split-mode row --main-gpu 1"),
        ({"tensor_split": [1, 2]}, "--tensor-split 1.0,2.0"),
        ({"seed": 3}, "--seed 3"),
        ({"seed": -2}, "--seed 4294967294"),
        ({"rope_freq_base": 1e4, "yarn_orig_ctx": 9}, "--rope-freq-base 10000.0 --yarn-orig-ctx 9"),
        ({"rope_scaling_type": 2}, "--rope-scaling yarn"),
        ({"kv_overrides": ["a=int:1", "b=bool:true"]}, "--override-kv b=bool:true"),
        ({"offload_kqv": False}, "--no-kv-offload"),
        ({"numa": True}, "--numa distribute"),
        ({"numa": 2}, "--numa isolate"),
        ({"last_n_tokens_size": 5}, "--repeat-last-n 5"),
        ({"llama_options": ["--swa-full"]}, "--swa-full"),
        ({}, "--sse-ping-interval 15"),
        ({"server": {"disable_ping_events": True}}, "--sse-ping-interval -1"),
    ],
)
def test_options_of_llama_server(settings: dict[str, Any], options: str) -> None:
    assert options in options_of(**settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"draft_model": "small.gguf"},  # there is no such file
        {"draft_model": "prompt-lookup"},
        {"numa": 9},
        {"type_k": 99},
        {"chat_format": "saiga"},
        {"chat_format": "hf-tokenizer-config"},
        {"chat_format": "hf-autotokenizer"},
    ],
)
def test_values_that_the_server_has_not(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        arguments_of(**settings)


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        (
            {"draft_model": "prompt-lookup-decoding"},
            "--spec-ngram-simple-size-n 2 --spec-ngram-simple-size-m 10",
        ),
        (
            {"draft_model": "prompt-lookup-decoding", "draft_model_num_pred_tokens": 1},
            "--spec-ngram-simple-size-n 1 --spec-ngram-simple-size-m 1",
        ),
        ({"draft_model": "ngram-mod"}, "--spec-type ngram-mod --spec-ngram-mod-n-match 24"),
        (
            {"draft_model": "ngram-mod", "draft_model_num_pred_tokens": 20},
            "--spec-ngram-mod-n-max 20 --spec-ngram-mod-n-min 20",
        ),
        ({"draft_model": "mtp"}, "--spec-type draft-mtp"),
        ({"draft_model": "mtp", "draft_model_num_pred_tokens": 2}, "--spec-draft-n-max 2"),
    ],
)
def test_drafts(settings: dict[str, Any], options: str) -> None:
    drafts = resolve(arguments_of(**settings)["draft_model"])
    assert drafts is not None
    assert options in " ".join(draft_options(drafts, 0))


def test_a_draft_model(model_path: str) -> None:
    drafts = resolve(arguments_of(draft_model=model_path)["draft_model"])
    assert drafts is not None
    line = " ".join(draft_options(drafts, "auto"))
    assert f"--spec-draft-model {model_path} --spec-draft-ngl auto" in line
    assert "--spec-type draft-simple" in line and "n-max" not in line


def test_settings_without_an_effect_are_named_once() -> None:
    models = [ModelSettings(model="m", vocab_only=True, lora_base="x"), ModelSettings(model="m")]
    with pytest.warns(UserWarning, match="lora_base, vocab_only\n") as found:
        warn_of_no_effect(ServerSettings(), models)
    assert len(found) == 1


@pytest.mark.filterwarnings("error")
def test_defaults_are_silent() -> None:
    warn_of_no_effect(ServerSettings(interrupt_requests=True), [ModelSettings(model="m")])


# ---- chat formats


@pytest.mark.parametrize(
    ("name", "template", "is_jinja"),
    [
        (None, None, True),
        ("chatml", "chatml", True),
        ("qwen", "chatml", True),
        ("chatml-function-calling", None, True),
        ("llava-1-5", None, True),
        ("qwen2.5-vl", None, True),
        ("llama-2", "llama2", False),
        ("llama-3", "llama3", False),
        ("mistral-instruct", "mistral-v1", False),
        ("gemma", "gemma", False),
        ("vicuna", "vicuna", False),
        ("zephyr", "zephyr", False),
        ("phi4", "phi4", False),
    ],
)
def test_chat_formats(name: Any, template: Any, is_jinja: bool) -> None:
    found = arguments_of(chat_format=name)
    assert found["chat_template"] == template
    assert ("--no-jinja" in found["options"]) is not is_jinja


@pytest.mark.parametrize(
    "template", ["{{ 1 }}", [{"name": "tool_use", "template": ""}, {"name": "default"}]]
)
def test_the_template_of_a_tokenizer(tmp_path: Path, template: Any) -> None:
    if isinstance(template, list):
        template[1]["template"] = "{{ 1 }}"
    path = tmp_path / "tokenizer_config.json"
    path.write_text(json.dumps({"chat_template": template}))
    found = arguments_of(chat_format="hf-tokenizer-config", hf_tokenizer_config_path=str(path))
    assert found["chat_template"] == "{{ 1 }}"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"chat_template": 1}'])
def test_a_tokenizer_without_a_template(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tokenizer_config.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="tokenizer_config.json"):
        arguments_of(chat_format="hf-tokenizer-config", hf_tokenizer_config_path=str(path))
