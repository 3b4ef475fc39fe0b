"""The SBOM by CycloneDX's own schema, and against the wheel and the pins."""

from __future__ import annotations

import functools
import hashlib
import importlib.resources
import json
import os
import re
from pathlib import Path
from typing import Any, Callable

import fastjsonschema
import pytest

# Header of a work that llama.cpp vendors -> the work, and how the header states its version.
VENDORED = {
    "httplib.h": ("cpp-httplib", r'CPPHTTPLIB_VERSION "(\d+)\.(\d+)\.(\d+)"'),
    "json.hpp": ("nlohmann-json", r"JSON for Modern C\+\+\n.*version (\d+)\.(\d+)\.(\d+)\n"),
    "miniaudio.h": ("miniaudio", r"\nminiaudio - v(\d+)\.(\d+)\.(\d+) "),
    "stb_image.h": ("stb_image", r"stb_image - v(\d+)\.(\d+) "),
    "xxhash.h": (
        "xxhash",
        r"VERSION_MAJOR +(\d+)\n#define XXH_VERSION_MINOR +(\d+)\n"
        r"#define XXH_VERSION_RELEASE +(\d+)\n",
    ),
}


def schema(uri: str) -> dict[str, Any]:
    """Returns one of the schemas of cyclonedx-python-lib, by the last part of its address."""
    name = uri.rsplit("/", 1)[-1].partition("#")[0]
    folder = importlib.resources.files("cyclonedx") / "schema" / "_res"
    return json.loads((folder / name).read_text(encoding="utf-8"))


@functools.lru_cache(maxsize=1)
def validator() -> Callable[[Any], Any]:
    """Returns a validator that raises for non-CycloneDX 1.6. Compiling it takes seconds."""
    handlers = {"http": schema, "https": schema}
    return fastjsonschema.compile(
        schema("bom-1.6.SNAPSHOT.schema.json"), handlers=handlers, use_default=False
    )


@pytest.fixture(scope="session")
def sbom(members: dict[str, bytes]) -> dict[str, Any]:
    """Returns the parsed SBOM."""
    (data,) = (data for path, data in members.items() if ".dist-info/sboms/" in path)
    return json.loads(data)


def test_the_schema(sbom: dict[str, Any]) -> None:
    validator()(sbom)


def test_the_schema_refuses(sbom: dict[str, Any]) -> None:
    wrong = json.loads(json.dumps(sbom))
    wrong["components"][0]["type"] = "thing"
    with pytest.raises(fastjsonschema.JsonSchemaException, match="type must be one of"):
        validator()(wrong)


def test_every_native_file_is_named_with_its_hash(
    sbom: dict[str, Any], members: dict[str, bytes]
) -> None:
    named = {
        part["name"]: part["hashes"][0]["content"]
        for part in sbom["components"]
        if part["type"] == "file"
    }
    native = {path: data for path, data in members.items() if data.startswith(b"\x7fELF")}
    assert named == {path: hashlib.sha256(data).hexdigest() for path, data in native.items()}


def test_every_work_has_a_version_and_a_pinned_archive(
    sbom: dict[str, Any], members: dict[str, bytes]
) -> None:
    works = {part["name"]: part for part in sbom["components"] if part["type"] == "library"}
    assert {"ggml", "libc++", "llama.cpp", "nlohmann-json", "pybind11"} <= set(works)
    for work in works.values():
        assert work["version"]
        (archive,) = work["externalReferences"]
        assert len(archive["hashes"][0]["content"]) == 64
    names: dict[str, object] = {}
    exec(members["llama_cpp/_build_info.py"], names)
    assert works["ggml"]["version"] == names["GGML_VERSION"]
    assert works["llama.cpp"]["version"] == names["LLAMA_CPP_VERSION"]


@pytest.mark.parametrize("header", os.environ["HEADERS"].split(), ids=lambda path: Path(path).name)
def test_vendored_versions_are_those_of_the_sources(sbom: dict[str, Any], header: str) -> None:
    component, pattern = VENDORED[Path(header).name]
    found = re.search(pattern, Path(header).read_text(encoding="utf-8"))
    assert found, f"{header} no longer states its version as {pattern}"
    (work,) = (part for part in sbom["components"] if part["name"] == component)
    assert work["version"] == ".".join(found.groups()), (
        "third_party/llama.cpp/components.bzl is out of date"
    )
    assert work["purl"].endswith(work["version"])


def test_the_graph_has_no_loose_ends(sbom: dict[str, Any]) -> None:
    references = [part["bom-ref"] for part in sbom["components"]]
    assert len(set(references)) == len(references)
    (root,) = sbom["dependencies"]
    assert root["ref"] == sbom["metadata"]["component"]["bom-ref"]
    assert sorted(root["dependsOn"]) == sorted(references)
