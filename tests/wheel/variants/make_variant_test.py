"""make_variant.py: names, changed and kept files, determinism, refusals; the table of variants."""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import make_variant
import pytest
from packaging.metadata import Metadata
from packaging.utils import parse_wheel_filename
from small_wheels import sbom, write_wheel
from variantlib.commands.unmake_variant import unmake_variant
from variantlib.variant_dist_info import VariantDistInfo

TABLE: dict[str, Any] = json.loads(Path(os.environ["VARIANT_TABLE"]).read_text())
ACCELERATORS = sorted(TABLE["variants"])
NAMESPACE = FEATURE = re.compile(r"[a-z0-9_]+")
VALUE = re.compile(r"[a-z0-9_.]+")
LABEL = re.compile(r"[0-9a-z_.]+")


def entries(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def compressed(wheel: Path, path: str) -> bytes:
    """Returns the bytes of an entry as they are stored."""
    data = wheel.read_bytes()
    with zipfile.ZipFile(wheel) as archive:
        entry = archive.getinfo(path)
    name, extra = (
        int.from_bytes(data[entry.header_offset + at :][:2], "little") for at in (26, 28)
    )
    start = entry.header_offset + 30 + name + extra
    return data[start : start + entry.compress_size]


def new_name(path: str) -> str:
    """Returns the path in a wheel of 1.0 of the file at `path` in one of 1.0+cu13."""
    return path.replace("demo-1.0+cu13.", "demo-1.0.")


def rewritten(wheel: Path, changes: dict[str, bytes | None]) -> Path:
    """Returns the wheel with entries replaced, added or (None) left out."""
    members = {**entries(wheel), **changes}
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, data in members.items():
            if data is not None:
                archive.writestr(path, data)
    return wheel


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return write_wheel(tmp_path / "demo-1.0+cu13-cp313-cp313t-manylinux_2_17_x86_64.whl")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def variant(wheel: Path, out: Path) -> Path:
    [made] = make_variant.make_variants(wheel, out, TABLE, "cu13")
    return made


@pytest.mark.parametrize("accelerator", ACCELERATORS)
def test_names(tmp_path: Path, out: Path, accelerator: str) -> None:
    wheel = write_wheel(tmp_path / f"demo-1.0+{accelerator}-py3-none-any.whl")
    made = {path.name for path in make_variant.make_variants(wheel, out, TABLE, accelerator)}
    if accelerator == "cpu":
        assert made == {"demo-1.0-py3-none-any-null.whl", "demo-1.0-py3-none-any.whl"}
    else:
        assert made == {f"demo-1.0-py3-none-any-{accelerator}.whl"}
    assert {path.name for path in out.iterdir()} == made


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("demo-1.0+cu13.mine-1-cp39-cp39-linux_x86_64", "demo-1.0-1-cp39-cp39-linux_x86_64-cu13"),
        ("demo-1.0-cp39-cp39-linux_x86_64", "demo-1.0-cp39-cp39-linux_x86_64-cu13"),
        (
            "two_words-0!1.0rc1.post2+cu13-py2.py3-none-any",
            "two_words-0!1.0rc1.post2-py2.py3-none-any-cu13",
        ),
    ],
    ids=["build tag and dotted label", "no label", "epoch"],
)
def test_unusual_names(tmp_path: Path, out: Path, name: str, expected: str) -> None:
    [made] = make_variant.make_variants(write_wheel(tmp_path / f"{name}.whl"), out, TABLE, "cu13")
    assert made.name == f"{expected}.whl"
    version = expected.split("-")[1]
    folders = {path.split("/")[0] for path in entries(made) if ".dist-info/" in path}
    assert folders == {f"{expected.split('-')[0]}-{version}.dist-info"}


# Differences of a variant from the wheel that it is made of.
CHANGED = {
    "demo-1.0.dist-info/METADATA",
    "demo-1.0.dist-info/RECORD",
    "demo-1.0.dist-info/sboms/demo.cdx.json",
}


def test_only_what_names_the_version_is_new(wheel: Path, variant: Path) -> None:
    old = {new_name(path): data for path, data in entries(wheel).items()}
    new = entries(variant)
    assert new.keys() - old.keys() == {"demo-1.0.dist-info/variant.json"}
    assert old.keys() <= new.keys()
    changed = {path for path in old if old[path] != new[path]}
    assert changed == CHANGED


def test_what_is_not_new_is_copied_as_it_is_compressed(wheel: Path, variant: Path) -> None:
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(variant) as new:
        for entry in old.infolist():
            if new_name(entry.filename) not in CHANGED:
                copied = new.getinfo(new_name(entry.filename))
                assert compressed(variant, copied.filename) == compressed(wheel, entry.filename)
                assert copied.external_attr == entry.external_attr
                assert copied.date_time == entry.date_time


def test_order_of_the_entries(wheel: Path, variant: Path) -> None:
    *old, record = map(new_name, entries(wheel))
    assert list(entries(variant)) == [*old, "demo-1.0.dist-info/variant.json", record]


def test_metadata_differs_in_the_version_alone(wheel: Path, variant: Path) -> None:
    old = entries(wheel)["demo-1.0+cu13.dist-info/METADATA"]
    new = entries(variant)["demo-1.0.dist-info/METADATA"]
    assert new == old.replace(b"\nVersion: 1.0+cu13\n", b"\nVersion: 1.0\n")
    assert str(Metadata.from_email(new, validate=True).version) == "1.0"


def test_the_sbom_is_about_the_variant(variant: Path) -> None:
    assert entries(variant)["demo-1.0.dist-info/sboms/demo.cdx.json"] == sbom("demo", "1.0")


def test_an_sbom_of_something_else_is_left_alone(wheel: Path, out: Path) -> None:
    other = sbom("zlib", "1.3")
    rewritten(wheel, {"demo-1.0+cu13.dist-info/sboms/zlib.cdx.json": other})
    [made] = make_variant.make_variants(wheel, out, TABLE, "cu13")
    assert entries(made)["demo-1.0.dist-info/sboms/zlib.cdx.json"] == other


def test_record_lists_every_file_with_its_hash(variant: Path) -> None:
    members = entries(variant)
    record = "demo-1.0.dist-info/RECORD"
    rows = list(csv.reader(io.StringIO(members[record].decode())))
    assert [path for path, *_ in rows] == list(members)
    for path, digest, size in rows[:-1]:
        sha256 = base64.urlsafe_b64encode(hashlib.sha256(members[path]).digest())
        assert (digest, size) == (f"sha256={sha256.rstrip(b'=').decode()}", str(len(members[path])))
    assert rows[-1] == [record, "", ""]


def test_the_same_wheel_gives_the_same_bytes(wheel: Path, variant: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    copied = Path(shutil.copy(wheel, elsewhere))
    os.utime(copied, (0, 0))
    [again] = make_variant.make_variants(copied, elsewhere, TABLE, "cu13")
    assert again.read_bytes() == variant.read_bytes()


def test_a_wheel_written_as_a_stream_is_read_too(tmp_path: Path, wheel: Path, out: Path) -> None:
    """Such an archive has the sizes behind the data, not before them."""

    class Stream(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            chunks.append(bytes(data))
            return len(data)

    chunks: list[bytes] = []
    with zipfile.ZipFile(Stream(), "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[arg-type]
        for path, data in entries(wheel).items():
            archive.writestr(path, data)
    wheel.write_bytes(b"".join(chunks))
    with zipfile.ZipFile(wheel) as archive:
        assert all(entry.flag_bits & 0x08 for entry in archive.infolist())
    [made] = make_variant.make_variants(wheel, out, TABLE, "cu13")
    old = {new_name(path): data for path, data in entries(wheel).items()}
    assert entries(made)["demo/lib/libggml.so"] == old["demo/lib/libggml.so"]
    # Some installers read the local headers alone.
    data = made.read_bytes()
    with zipfile.ZipFile(made) as archive:
        for entry in archive.infolist():
            local = data[entry.header_offset :]
            assert int.from_bytes(local[6:8], "little") & 0x08 == 0
            assert int.from_bytes(local[18:22], "little") == entry.compress_size


def test_variantlib_reads_it_and_takes_it_apart_again(
    wheel: Path, variant: Path, tmp_path: Path
) -> None:
    document = entries(variant)["demo-1.0.dist-info/variant.json"]
    parsed = VariantDistInfo(document, expected_label="cu13")
    assert [prop.to_str() for prop in parsed.variant_desc.properties] == [
        f"nvidia :: cuda_version_lower_bound :: {value}"
        for value in TABLE["variants"]["cu13"]["properties"]["nvidia"]["cuda_version_lower_bound"]
    ]
    plain = make_variant.make_variant(wheel, tmp_path, None)
    unmade = tmp_path / "unmade"
    unmade.mkdir()
    unmake_variant(["--file", str(variant), "--output-directory", str(unmade)])
    assert [path.name for path in unmade.iterdir()] == [plain.name]
    assert entries(unmade / plain.name) == entries(plain)
    assert list(entries(unmade / plain.name)) == list(entries(plain))


def test_the_plain_wheel_is_no_variant_for_other_tools(wheel: Path, tmp_path: Path) -> None:
    plain = make_variant.make_variant(wheel, tmp_path, None)
    name, version, *_ = parse_wheel_filename(plain.name)
    assert (name, str(version)) == ("demo", "1.0")
    assert not [path for path in entries(plain) if path.endswith("variant.json")]


# ---- Refusals ------------------------------------------------------------------------------------


def refused(wheel: Path, out: Path, accelerator: str = "cu13") -> str:
    table = out.parent / "table.json"
    table.write_text(json.dumps(TABLE))
    result = subprocess.run(
        [sys.executable, make_variant.__file__, "--table", table, "--accelerator", accelerator]
        + ["--out", out, wheel],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1, result
    assert not list(out.iterdir())
    [line] = result.stderr.splitlines()
    return line.removeprefix("make_variant: ")


def test_refuses_a_variant(variant: Path, out: Path, tmp_path: Path) -> None:
    moved = variant.rename(tmp_path / variant.name)
    assert refused(moved, out).startswith(
        "demo-1.0-cp313-cp313t-manylinux_2_17_x86_64-cu13.whl is not called as a wheel without "
        "variant label"
    )


def test_refuses_a_renamed_variant(variant: Path, out: Path, tmp_path: Path) -> None:
    moved = variant.rename(tmp_path / "demo-1.0-py3-none-any.whl")
    assert "has a variant.json, so it is a variant" in refused(moved, out)


def test_refuses_what_is_no_wheel_name(wheel: Path, out: Path) -> None:
    moved = wheel.rename(wheel.with_name("demo-1.0.zip"))
    assert "is not called as a wheel" in refused(moved, out)


def test_refuses_an_unknown_accelerator(wheel: Path, out: Path) -> None:
    message = refused(wheel, out, "cu11")
    assert "'cu11'; take one of cpu, cu12, cu13, rocm6, vulkan" in message


def test_refuses_another_version_inside(wheel: Path, out: Path) -> None:
    path = "demo-1.0+cu13.dist-info/METADATA"
    rewritten(wheel, {path: entries(wheel)[path].replace(b"+cu13", b"+cpu")})
    assert "does not say `Version: 1.0+cu13`" in refused(wheel, out)


@pytest.mark.parametrize("file", ["METADATA", "RECORD"])
def test_refuses_a_wheel_without(wheel: Path, out: Path, file: str) -> None:
    path = f"demo-1.0+cu13.dist-info/{file}"
    message = refused(rewritten(wheel, {path: None}), out)
    assert "is damaged" in message and path in message


def test_refuses_a_truncated_wheel(wheel: Path, out: Path) -> None:
    wheel.write_bytes(wheel.read_bytes()[:-100])
    assert "is damaged (File is not a zip file); build or download it again" in refused(wheel, out)


def test_refuses_a_missing_wheel(tmp_path: Path, out: Path) -> None:
    missing = tmp_path / "demo-1.0+cu13-py3-none-any.whl"
    assert refused(missing, out) == f"there is no file {missing}; correct the path"


def test_never_writes_over_a_file(wheel: Path, variant: Path) -> None:
    before = variant.read_bytes()
    with pytest.raises(make_variant.VariantError, match="is there already; delete it, or"):
        make_variant.make_variants(wheel, variant.parent, TABLE, "cu13")
    assert variant.read_bytes() == before


# ---- The table, by the rules of PEP 825 and of PEP 850 -------------------------------------------


@pytest.mark.parametrize("accelerator", ACCELERATORS)
def test_a_row_follows_the_format(accelerator: str) -> None:
    document = make_variant.variant_document(TABLE, accelerator)
    assert document.keys() == {"$schema", "default-priorities", "providers", "variants"}
    assert document["default-priorities"].keys() == {"namespace"}
    [(label, properties)] = document["variants"].items()
    assert LABEL.fullmatch(label)
    assert (label == "null") == (properties == {})
    assert properties.keys() <= set(document["default-priorities"]["namespace"])
    for namespace, features in properties.items():
        assert NAMESPACE.fullmatch(namespace) and features
        for feature, values in features.items():
            assert FEATURE.fullmatch(feature) and values
            assert all(VALUE.fullmatch(value) for value in values)
            assert values == sorted(set(values))
    VariantDistInfo(json.dumps(document), expected_label=label)


def test_labels_and_properties_are_unique() -> None:
    rows = TABLE["variants"].values()
    assert len({row["label"] for row in rows}) == len(rows)
    assert len({json.dumps(row["properties"], sort_keys=True) for row in rows}) == len(rows)


def test_one_backend_is_the_plain_wheel() -> None:
    assert [name for name in ACCELERATORS if TABLE["variants"][name]["is_plain"]] == ["cpu"]


def test_each_namespace_has_one_kind_of_provider() -> None:
    assert len(set(TABLE["namespaces"])) == len(TABLE["namespaces"])
    assert TABLE["providers"].keys() == set(TABLE["namespaces"])
    for provider in TABLE["providers"].values():
        assert provider.keys() in ({"static-properties"}, {"requires", "plugin-api"})


def test_static_properties_are_those_of_the_variants() -> None:
    for namespace, provider in TABLE["providers"].items():
        for feature, values in provider.get("static-properties", {}).items():
            used = [
                value
                for row in TABLE["variants"].values()
                for value in row["properties"].get(namespace, {}).get(feature, [])
            ]
            assert sorted(values) == sorted(used)


def test_amd_plugin_knows_the_architectures(monkeypatch: pytest.MonkeyPatch) -> None:
    module, name = TABLE["providers"]["amd"]["plugin-api"].split(":")
    plugin = getattr(importlib.import_module(module), name)
    [features] = [
        row["properties"]["amd"] for row in TABLE["variants"].values() if "amd" in row["properties"]
    ]
    known = {config.name: config.values for config in plugin.get_all_configs()}
    assert plugin.namespace == "amd"
    for feature, values in features.items():
        assert set(values) <= set(known[feature])
    monkeypatch.setenv("ROCM_BOOTSTRAP_FORCE_GFX_ARCH", "gfx942")
    [supported] = plugin.get_supported_configs()
    assert set(supported.values) & set(features[supported.name]) == {"gfx942"}
