"""Refusals and their messages; nothing is written then (Host.assert_refused)."""

from __future__ import annotations

import json
from typing import Callable

import pytest
from sites import CPU, Host, listed, wheel_name
from synthetic import sha256

NAME = wheel_name("0.3.100+cpu")


def test_other_bytes_under_a_published_name(host: Host) -> None:
    host.publish(host.index("0.3.100+cpu"))
    # A second backend, which could be published, must not be either.
    other = host.index("0.3.100+cpu", "0.3.100+cu13", seed="other")
    hashes = [sha256(root / CPU / NAME) for root in (host.target, other)]
    host.assert_refused(other, NAME, *hashes, "--//:version=0.3.100.post1")


def test_the_way_out_works(host: Host) -> None:
    host.publish(host.index("0.3.100+cpu"))
    host.publish(host.index("0.3.100.post1+cpu", seed="other"))
    error = host.assert_refused(host.index("0.3.100.post1+cpu"), "0.3.100.post1+cpu")
    assert "--//:version=0.3.100.post2" in error


def test_other_metadata(host: Host) -> None:
    host.publish(host.index("0.3.100+cpu"))
    metadata = host.target / CPU / f"{NAME}.metadata"
    metadata.write_bytes(b"other")
    host.assert_refused(host.index("0.3.100+cpu"), f"{NAME}.metadata", sha256(metadata))


def test_a_file_that_no_page_lists_counts_as_published(host: Host) -> None:
    (host.target / CPU).mkdir(parents=True)
    (host.target / CPU / NAME).write_bytes(b"other")
    host.assert_refused(host.index("0.3.100+cpu"), NAME)


def test_a_listed_file_that_is_gone_comes_back_with_the_same_bytes_only(host: Host) -> None:
    index = host.index("0.3.100+cpu")
    host.publish(index)
    (host.target / CPU / NAME).unlink()
    host.assert_refused(host.index("0.3.100+cpu", seed="other"), NAME)
    host.assert_refused(host.index("0.3.101+cpu"), NAME, "put the file back")
    host.publish(index)


def test_a_damaged_wheel(host: Host) -> None:
    index = host.index("0.3.100+cpu")
    with (index / CPU / NAME).open("ab") as file:
        file.write(b"more")
    host.assert_refused(index, NAME, "download it again")


def test_a_missing_metadata_file(host: Host) -> None:
    index = host.index("0.3.100+cpu")
    (index / CPU / f"{NAME}.metadata").unlink()
    host.assert_refused(index, f"{NAME}.metadata", "download it again")


def test_no_index(host: Host) -> None:
    host.assert_refused(host.folder, "//:index")


def test_a_target_that_is_a_file(host: Host) -> None:
    index = host.index("0.3.100+cpu")
    host.target = index / "index.html"
    assert host.run_publish(index)[0] == 1


class ForeignPage:
    """A published page, which the test changes."""

    def __init__(self, host: Host) -> None:
        self.host = host
        host.publish(host.index("0.3.100+cpu"))
        self.page = host.target / CPU / "index.v1_json"

    def change(self, change: Callable[[dict], object]) -> None:
        page = json.loads(self.page.read_text(encoding="utf-8"))
        change(page)
        self.page.write_text(json.dumps(page), encoding="utf-8")

    def check(self, *words: str) -> None:
        """Asserts that another publication is refused."""
        self.host.assert_refused(self.host.index("0.3.101+cpu"), *words)


@pytest.fixture
def foreign(host: Host) -> ForeignPage:
    return ForeignPage(host)


def test_half_a_page(foreign: ForeignPage) -> None:
    foreign.page.write_bytes(foreign.page.read_bytes()[:100])
    foreign.check(str(foreign.page), "no page that //:index or publish wrote")


def test_no_text(foreign: ForeignPage) -> None:
    foreign.page.write_bytes(b"\xff\xfe\x00")
    foreign.check(str(foreign.page))


def test_no_object(foreign: ForeignPage) -> None:
    foreign.page.write_bytes(b"[]")
    foreign.check(str(foreign.page), "no JSON object")


def test_a_page_with_more_than_this_program_writes(foreign: ForeignPage) -> None:
    foreign.change(lambda page: page["files"][0].update(yanked=True))
    foreign.check(str(foreign.page), "yanked", "would be lost")


def test_a_page_with_less(foreign: ForeignPage) -> None:
    foreign.change(lambda page: page["files"][0].pop("hashes"))
    foreign.check(str(foreign.page), "lacks ['hashes']")


def test_an_unhashed_wheel(foreign: ForeignPage) -> None:
    foreign.change(lambda page: page["files"][0]["hashes"].update(sha256="none"))
    foreign.check(str(foreign.page), "has no SHA-256")


def test_the_page_of_another_project(foreign: ForeignPage) -> None:
    foreign.change(lambda page: page.update(name="other"))
    foreign.check(str(foreign.page), "it is that of 'other'")


def test_another_version_of_the_api(foreign: ForeignPage) -> None:
    foreign.change(lambda page: page["meta"].update({"api-version": "2.0"}))
    foreign.check(str(foreign.page), "version 2.0 of the API")


def test_files_elsewhere(foreign: ForeignPage) -> None:
    foreign.change(lambda page: page["files"][0].update(url="https://example.org/a.whl"))
    foreign.check(str(foreign.page), "at another address")


def test_a_file_name_that_is_a_path(foreign: ForeignPage) -> None:
    foreign.change(lambda page: page["files"][0].update(filename="../a.whl"))
    foreign.check(str(foreign.page), "'../a.whl'")


@pytest.mark.parametrize("name", ["", "..", "a\0-1-x.whl", 5])
def test_a_file_name_of_no_file(foreign: ForeignPage, name: object) -> None:
    foreign.change(lambda page: page["files"][0].update(filename=name))
    foreign.check(str(foreign.page), f"the file name {name!r}")


@pytest.mark.parametrize("name", ["a.whl", "a-1.txt", "variants.json"])
def test_a_file_of_another_kind(foreign: ForeignPage, name: str) -> None:
    foreign.change(lambda page: page["files"][0].update(filename=name))
    foreign.check(str(foreign.page), f"{name} is neither a wheel nor about variants")


@pytest.mark.parametrize(
    "key, value, words",
    [
        ("size", True, "has no size"),
        ("requires-python", 3, "requires-python"),
        ("upload-time", None, "upload-time"),
    ],
)
def test_a_fact_of_another_type(foreign: ForeignPage, key: str, value: object, words: str) -> None:
    foreign.change(lambda page: page["files"][0].update({key: value}))
    foreign.check(str(foreign.page), words)


@pytest.mark.parametrize("version", [1, ["1"], None])
def test_a_version_of_another_type(foreign: ForeignPage, version: object) -> None:
    foreign.change(lambda page: page.update(versions=[version]))
    foreign.check(str(foreign.page), "the version")


@pytest.mark.parametrize("facts", ["[]", '{"file": 1, "backend": "", "bazel": ""}', "[" * 10**5])
def test_a_button_of_no_wheel(foreign: ForeignPage, facts: str) -> None:
    page = foreign.host.target / "index.html"
    page.write_text(f"<button data-wheel='{facts}'>", encoding="utf-8")
    foreign.check(str(page), "the button of a wheel")


def test_html_without_json(foreign: ForeignPage) -> None:
    foreign.page.unlink()
    foreign.check(str(foreign.page), "not there")


def test_the_page_of_a_backend(foreign: ForeignPage) -> None:
    foreign.page = foreign.host.target / "whl/cpu/index.v1_json"
    foreign.change(lambda page: page.pop("projects"))
    foreign.check(str(foreign.page), "lacks ['projects']")


def test_another_landing_page(foreign: ForeignPage) -> None:
    (foreign.host.target / "index.html").write_text("<!DOCTYPE html><p>Welcome", encoding="utf-8")
    foreign.check(str(foreign.host.target / "index.html"), "no button")


def test_what_was_published_is_untouched(foreign: ForeignPage) -> None:
    assert list(listed(foreign.host.target / CPU)) == [NAME]
