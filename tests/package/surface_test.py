"""Names and signatures are those of llama-cpp-python 0.3.36.

peer_surface.json holds them as facts: for every function and class of its modules the parameters
with their kinds and defaults (make_peer_surface.py writes it), the variables that they define, the
attributes of a Llama, and the names that `import *` exports.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest
from make_peer_surface import describe

from llama_cpp._capi.context import FORMER

FACTS = json.loads((Path(__file__).parent / "peer_surface.json").read_text())

# Variables that are an accident of how the peer is written.
ACCIDENTS = {
    "_logger._last_log_level",
    "llama_grammar._up_to_15_digits",
}

# Where the peer is wrong on purpose of the fix: handlers penalise repetition as Llama does.
CHANGED = {
    "llama_chat_format.LlamaChatCompletionHandler.__call__": (
        "repeat_penalty=1.1",
        "repeat_penalty=1.0",
    ),
    "llama.Llama._create_completion": None,
    # take the arguments of every handler
    "llama_chat_format.chatml_function_calling": None,
    "llama_chat_format.functionary_chat_handler": None,
    "llama_chat_format.functionary_v1_v2_chat_handler": None,
    "llama_chat_format.Llava15ChatHandler.__call__": None,
    "llama_chat_format.MTMDChatHandler.__call__": None,
    "llama_chat_format.Qwen25VLChatHandler.__call__": None,
}

# llama.cpp no longer has these, and they only say so.
CHANGED.update({f"_internals.LlamaContext.{name}": None for name in FORMER})

# Arguments of ours, behind the peer's.
CHANGED["llama.Llama.__init__"] = (
    ", **kwargs",
    ", devices=None, rpc_servers=None, tensor_buft_overrides=None, cpu_moe=False, n_cpu_moe=0,"
    " check_tensors=False, use_extra_bufts=True, no_host=False, load_mtp=False, lazy_mode=1,"
    " progress_callback=None, n_seq_max=None, n_rs_seq=0, n_outputs_max=None, kv_unified=None,"
    " flash_attn_type=None, abort_callback=None, ctx_checkpoints=32, checkpoint_interval=2048,"
    " checkpoint_bytes=1073741824, mmproj_path=None, mmproj_use_gpu=True, image_min_tokens=None,"
    " image_max_tokens=None, media_policy=None, **kwargs",
)
CHANGED["llama_chat_format.Llava15ChatHandler.__init__"] = (
    "verbose=True",
    "verbose=True, use_gpu=True",
)
CHANGED["llama.Llama.from_pretrained"] = (", **kwargs", ", *, mmproj_filename=None, **kwargs")

# Methods of ours take further parameters behind the peer's: LoRA adapters, and llama.cpp's
# sampling.
EXTENDED = {
    f"llama.Llama.{name}"
    for name in (
        "__call__",
        "create_chat_completion",
        "create_completion",
        "create_embedding",
        "embed",
        "generate",
        "sample",
    )
}

# Annotations that allow more than the peer's.
WIDER = {
    ("__init__", "n_gpu_layers"): "Union[int, Literal['auto']]",
    ("__init__", "draft_model"): "Union[LlamaDraftModel, SpeculativeOptions, str, None]",
}

# Numbers that depend on the build: of devices, and of the formats of saved states.
BUILD_NUMBERS = {"LLAMA_MAX_DEVICES", "LLAMA_SESSION_VERSION", "LLAMA_STATE_SEQ_VERSION"}


def find(name: str):
    module, *path = name.split(".")
    found = importlib.import_module(f"llama_cpp.{module}")
    for part in path:
        found = getattr(found, part)
    return found


@pytest.mark.parametrize("name", sorted(FACTS["signatures"]))
def test_signature(name):
    expected = FACTS["signatures"][name]
    found = find(name)
    if name in CHANGED:
        if CHANGED[name] is None:
            assert callable(found)
            return
        before, after = CHANGED[name]
        assert before in expected
        expected = expected.replace(before, after)
    if name in EXTENDED:
        assert describe(found).startswith(f"{expected}, ")
        return
    assert describe(found) == expected


@pytest.mark.parametrize("module", FACTS["defined"])
def test_defined_names(module):
    names = {f"{module}.{name}" for name in FACTS["defined"][module]}
    missing = {name for name in names - ACCIDENTS if not hasattr(find(module), name.split(".")[1])}
    assert not missing


def test_attributes_of_llama(llm):
    # Of kv_overrides and LoRA the peer keeps raw structs.
    missing = {name for name in FACTS["attributes_of_llama"] if not hasattr(llm, name)}
    assert missing <= {"_kv_overrides_array", "_lora_adapter"}


def test_annotations_of_llama():
    """Type checkers see the same types, too."""
    import inspect

    from llama_cpp import Llama

    for method, expected in FACTS["annotations"].items():
        signature = inspect.signature(getattr(Llama, method))
        found = {name: str(p.annotation) for name, p in signature.parameters.items()}
        for name, annotation in expected.items():
            annotation = WIDER.get((method, name), annotation)
            if name not in ("self", "kwargs"):
                assert found[name].strip("'") == annotation.strip("'"), (method, name)


def test_star_import():
    namespace: dict = {}
    exec("from llama_cpp import *", namespace)
    assert set(FACTS["star_import"]) - set(namespace) == set()


@pytest.mark.parametrize(
    ("module", "name"),
    [(module, name) for module, names in FACTS["c_api"].items() for name in names],
)
def test_c_api(module, name):
    """Every function, struct with its members, number, callback and pointer type of the peer."""
    expected = FACTS["c_api"][module][name]
    found = getattr(importlib.import_module(f"llama_cpp.{module}"), name)
    if isinstance(expected, list):
        members = [member for member, *_ in found._fields_]
        # llama_opt_params of the peer lacks a member of llama.h's.
        assert [member for member in members if member in expected] == expected
    elif expected is not None and name not in BUILD_NUMBERS:
        assert found == expected
    else:
        assert found is not None


def test_constants():
    import llama_cpp

    expected = {
        name: value for name, value in FACTS["constants"].items() if name not in BUILD_NUMBERS
    }
    assert {name: getattr(llama_cpp, name) for name in expected} == expected
    assert vars(llama_cpp.llama_cpp).items() >= expected.items()


def test_constants_that_the_peer_lacks():
    import llama_cpp

    types = (llama_cpp.GGML_TYPE_BF16, llama_cpp.GGML_TYPE_TQ1_0, llama_cpp.GGML_TYPE_TQ2_0)
    assert types == (30, 34, 35)


@pytest.mark.parametrize("name", FACTS["types"])
def test_typed_dicts_have_the_keys(name):
    from llama_cpp import llama_types

    assert set(FACTS["types"][name]) <= set(getattr(llama_types, name).__annotations__)


def test_type_names():
    from llama_cpp import llama_types

    assert set(FACTS["type_names"]) - {"Any", "Dict", "List", "Optional", "Union"} <= set(
        llama_types.__all__
    ) | {"Literal"}


@pytest.mark.parametrize("name", FACTS["chat_formats"])
def test_chat_format_is_registered(name):
    from llama_cpp import llama_chat_format

    assert llama_chat_format.get_chat_completion_handler(name)


def test_submodules_without_import():
    import llama_cpp

    for name in ("llama_chat_format", "llama_types", "llama_grammar", "llama_speculative", "llama"):
        assert getattr(llama_cpp, name).__name__ == f"llama_cpp.{name}"


def test_version():
    import llama_cpp

    assert llama_cpp.__version__.startswith("0.")


def test_import_is_lazy(run_python):
    done = run_python("import sys, llama_cpp; print(*sys.modules)")
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    later = {"numpy", "ctypes", "dataclasses", "hashlib", "llama_cpp.llama", "llama_cpp.llama_cpp"}
    assert not loaded & later


def test_texts_need_no_images(run_python):
    code = (
        "from llama_cpp import Llama, llama_chat_format as formats; import sys; print(*sys.modules)"
    )
    done = run_python(code + "; print(formats.Llava15ChatHandler.__module__, *dir(formats))")
    loaded, names = done.stdout.splitlines()
    assert "llama_cpp._chat.vision_handlers" not in loaded.split()
    assert names.split()[0] == "llama_cpp._chat.vision_handlers"
    assert "Llava15ChatHandler" in names.split()[1:]


def test_is_typed():
    import llama_cpp

    assert (Path(llama_cpp.__file__).parent / "py.typed").exists()
