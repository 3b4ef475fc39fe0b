"""The index-level file of variants: the union of the wheels' variant.json, and conflicts."""

from __future__ import annotations

import copy
import itertools
import json
import os
import zipfile
from pathlib import Path
from typing import Any, Callable

import make_variant
import pytest
import variants
from small_wheels import write_wheel
from variantlib.variants_json import VariantsJson

TABLE: dict[str, Any] = json.loads(Path(os.environ["VARIANT_TABLE"]).read_text())
ACCELERATORS = sorted(TABLE["variants"])


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., list[Path]]:
    """Makes the variants of an accelerator's wheel."""
    folders = map(str, itertools.count())

    def make(
        accelerator: str, release: str = "demo-1.0", tags: str = "py3-none-any", table: Any = TABLE
    ) -> list[Path]:
        folder = tmp_path / next(folders)
        folder.mkdir()
        wheel = write_wheel(folder / f"{release}+{accelerator}-{tags}.whl")
        return make_variant.make_variants(wheel, folder, table, accelerator)

    return make


def changed(**changes: Any) -> Any:
    table = copy.deepcopy(TABLE)
    table.update(changes)
    return table


def with_bound(bound: str) -> Any:
    table = copy.deepcopy(TABLE)
    table["variants"]["cu13"]["properties"]["nvidia"]["cuda_version_lower_bound"] = [bound]
    return table


def test_it_is_the_union_of_the_wheels(make: Callable[..., list[Path]]) -> None:
    wheels = [wheel for accelerator in ACCELERATORS for wheel in make(accelerator)]
    [(name, content)] = variants.variants_files(wheels).items()
    document = json.loads(content)
    assert name == "demo-1.0-variants.json"
    assert document["variants"] == {
        row["label"]: row["properties"] for row in TABLE["variants"].values()
    }
    assert document["default-priorities"] == {"namespace": TABLE["namespaces"]}
    assert document["providers"] == TABLE["providers"]
    assert document["$schema"] == TABLE["schema"]
    assert document.keys() == {"$schema", "default-priorities", "providers", "variants"}


def test_variantlib_merges_to_the_same(make: Callable[..., list[Path]]) -> None:
    wheels = [wheel for accelerator in ACCELERATORS for wheel in make(accelerator)]
    documents = [
        variants.read_document(wheel) for wheel in wheels if variants.variant_label(wheel.name)
    ]
    merged = VariantsJson(documents[0])  # type: ignore[arg-type]
    for document in documents[1:]:
        merged.merge(VariantsJson(document))  # type: ignore[arg-type]
    [content] = variants.variants_files(wheels).values()
    ours, theirs = json.loads(content), json.loads(merged.to_str())
    # variantlib writes the address of its own schema into everything.
    assert {**ours, "$schema": ""} == {**theirs, "$schema": ""}


def test_the_order_of_the_wheels_does_not_matter(make: Callable[..., list[Path]]) -> None:
    wheels = [*make("cu13"), *make("cpu"), *make("cu12")]
    contents = {
        json.dumps({name: content.decode() for name, content in files.items()})
        for files in map(variants.variants_files, itertools.permutations(wheels))
    }
    assert len(contents) == 1


def test_each_release_has_its_own_file(make: Callable[..., list[Path]]) -> None:
    wheels = [*make("cu13"), *make("cu12", "demo-1.1"), *make("cu12", "two_words-1.0")]
    labels = {
        name: list(json.loads(content)["variants"])
        for name, content in variants.variants_files(wheels).items()
    }
    assert labels == {
        "demo-1.0-variants.json": ["cu13"],
        "demo-1.1-variants.json": ["cu12"],
        "two_words-1.0-variants.json": ["cu12"],
    }


def test_wheels_of_several_abis_share_their_label(make: Callable[..., list[Path]]) -> None:
    tags = ["cp313-cp313-any", "cp313-cp313t-any", "1-cp314-cp314-any"]
    wheels = [wheel for tag in tags for wheel in make("cu13", tags=tag)]
    [content] = variants.variants_files(wheels).values()
    assert list(json.loads(content)["variants"]) == ["cu13"]


def test_wheels_that_are_no_variants_have_no_file(tmp_path: Path) -> None:
    names = ["demo-1.0-py3-none-any", "demo-1.0+cu13-1-cp39-cp39-any", "demo-1.0-2-py3-none-any"]
    wheels = [write_wheel(tmp_path / f"{name}.whl") for name in names]
    assert variants.variants_files(wheels) == {}


@pytest.mark.parametrize(
    ("file", "label"),
    [
        ("demo-1.0-py3-none-any-cu13.whl", "cu13"),
        ("demo-1.0-1-py3-none-any-cu13.whl", "cu13"),
        ("demo-1.0-cp313-cp313t-manylinux_2_17_x86_64-x86_64_v3.1.whl", "x86_64_v3.1"),
        ("demo-1.0-1-py3-none-any.whl", None),
        ("demo-1.0+cu13-py3-none-any.whl", None),
        ("demo-1.0-py3-none-any-CU13.whl", None),
        ("demo-1.0-variants.json", None),
        ("demo-1.0.tar.gz", None),
    ],
)
def test_labels_of_file_names(file: str, label: str | None) -> None:
    assert variants.variant_label(file) == label


def test_namespaces_may_be_added_at_the_end(make: Callable[..., list[Path]]) -> None:
    more = changed(
        namespaces=[*TABLE["namespaces"], "tpu"],
        providers={**TABLE["providers"], "tpu": {"static-properties": {"present": ["1"]}}},
    )
    [content] = variants.variants_files([*make("cu12", table=more), *make("cu13")]).values()
    document = json.loads(content)
    assert document["default-priorities"]["namespace"] == [*TABLE["namespaces"], "tpu"]
    assert document["providers"].keys() == {*TABLE["namespaces"], "tpu"}


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            changed(namespaces=TABLE["namespaces"][::-1]),
            r"-cu13\.whl orders the namespaces \['ggml', 'amd', 'nvidia'\], other variants of its "
            r"release",
        ),
        (
            changed(schema="https://example.org/v9.json"),
            r"-cu13\.whl follows the schema https://example\.org/v9\.json, other variants of its "
            r"release https://",
        ),
        (
            changed(
                providers={
                    **TABLE["providers"],
                    "ggml": {"static-properties": {"backend": ["sycl"]}},
                }
            ),
            r"-cu13\.whl gives the provider 'ggml' as \{\"static-properties\": \{\"backend\": "
            r"\[\"sycl\"\]\}\}",
        ),
    ],
    ids=["order of namespaces", "schema", "provider"],
)
def test_a_release_has_one_table(make: Callable[..., list[Path]], other: Any, message: str) -> None:
    wheels = [*make("cu12"), *make("cu13", table=other)]
    with pytest.raises(variants.VariantsError, match=message):
        variants.variants_files(wheels)


def test_a_label_means_one_thing(make: Callable[..., list[Path]]) -> None:
    wheels = [
        *make("cu13", tags="cp313-cp313-any"),
        *make("cu13", tags="cp314-cp314-any", table=with_bound("13.2")),
    ]
    # The message names the same wheel in any order.
    for ordered in (wheels, wheels[::-1]):
        with pytest.raises(
            variants.VariantsError,
            match=r"cp314-cp314-any-cu13\.whl gives the variant label 'cu13' as .*13\.2.*make all "
            r"variants of a release",
        ):
            variants.variants_files(ordered)


def test_a_renamed_variant_is_refused(make: Callable[..., list[Path]]) -> None:
    [wheel] = make("cu13")
    renamed = wheel.rename(wheel.with_name("demo-1.0-py3-none-any-cu12.whl"))
    with pytest.raises(
        variants.VariantsError, match=r"describes \['cu13'\], not the label 'cu12' of its file name"
    ):
        variants.variants_files([renamed])


def test_a_wheel_without_variant_json_is_refused(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path / "demo-1.0-py3-none-any-cu13.whl")
    with pytest.raises(
        variants.VariantsError, match=r"has no readable demo-1\.0\.dist-info/variant\.json"
    ):
        variants.variants_files([wheel])


def test_a_document_of_another_format_is_refused(make: Callable[..., list[Path]]) -> None:
    [wheel] = make("cu13")
    document = variants.read_document(wheel)
    del document["providers"]  # type: ignore[attr-defined]
    renamed = wheel.with_name("demo-2.0-py3-none-any-cu13.whl")
    with zipfile.ZipFile(renamed, "w") as archive:
        archive.writestr("demo-2.0.dist-info/variant.json", json.dumps(document))
    with pytest.raises(variants.VariantsError, match=r"has the keys \['\$schema', 'default-pri"):
        variants.variants_files([renamed])
