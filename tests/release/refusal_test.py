"""Refusals and their messages; nothing is written then (SiteTest.assert_refused)."""

from __future__ import annotations

import json
import unittest
from typing import Callable

from sites import CPU, SiteTest, listed, wheel_name
from synthetic import sha256

NAME = wheel_name("0.3.100+cpu")


class ImmutableTest(SiteTest):
    def test_other_bytes_under_a_published_name(self) -> None:
        self.publish(self.index("0.3.100+cpu"))
        # A second backend, which could be published, must not be either.
        other = self.index("0.3.100+cpu", "0.3.100+cu13", seed="other")
        hashes = [sha256(root / CPU / NAME) for root in (self.target, other)]
        self.assert_refused(other, NAME, *hashes, "--//:version=0.3.100.post1")

    def test_the_way_out_works(self) -> None:
        self.publish(self.index("0.3.100+cpu"))
        self.publish(self.index("0.3.100.post1+cpu", seed="other"))
        error = self.assert_refused(self.index("0.3.100.post1+cpu"), "0.3.100.post1+cpu")
        self.assertIn("--//:version=0.3.100.post2", error)

    def test_other_metadata(self) -> None:
        self.publish(self.index("0.3.100+cpu"))
        metadata = self.target / CPU / f"{NAME}.metadata"
        metadata.write_bytes(b"other")
        self.assert_refused(self.index("0.3.100+cpu"), f"{NAME}.metadata", sha256(metadata))

    def test_a_file_that_no_page_lists_counts_as_published(self) -> None:
        (self.target / CPU).mkdir(parents=True)
        (self.target / CPU / NAME).write_bytes(b"other")
        self.assert_refused(self.index("0.3.100+cpu"), NAME)

    def test_a_listed_file_that_is_gone_comes_back_with_the_same_bytes_only(self) -> None:
        index = self.index("0.3.100+cpu")
        self.publish(index)
        (self.target / CPU / NAME).unlink()
        self.assert_refused(self.index("0.3.100+cpu", seed="other"), NAME)
        self.assert_refused(self.index("0.3.101+cpu"), NAME, "put the file back")
        self.publish(index)


class BuiltIndexTest(SiteTest):
    def test_a_damaged_wheel(self) -> None:
        index = self.index("0.3.100+cpu")
        with (index / CPU / NAME).open("ab") as file:
            file.write(b"more")
        self.assert_refused(index, NAME, "download it again")

    def test_a_missing_metadata_file(self) -> None:
        index = self.index("0.3.100+cpu")
        (index / CPU / f"{NAME}.metadata").unlink()
        self.assert_refused(index, f"{NAME}.metadata", "download it again")

    def test_no_index(self) -> None:
        self.assert_refused(self.folder, "//:index")

    def test_a_target_that_is_a_file(self) -> None:
        index = self.index("0.3.100+cpu")
        self.target = index / "index.html"
        self.assertEqual(self.run_publish(index)[0], 1)


class ForeignPageTest(SiteTest):
    def setUp(self) -> None:
        super().setUp()
        self.publish(self.index("0.3.100+cpu"))
        self.page = self.target / CPU / "index.v1_json"

    def change(self, change: Callable[[dict], object]) -> None:
        page = json.loads(self.page.read_text(encoding="utf-8"))
        change(page)
        self.page.write_text(json.dumps(page), encoding="utf-8")

    def check(self, *words: str) -> None:
        self.assert_refused(self.index("0.3.101+cpu"), *words)

    def test_half_a_page(self) -> None:
        self.page.write_bytes(self.page.read_bytes()[:100])
        self.check(str(self.page), "no page that //:index or publish wrote")

    def test_no_text(self) -> None:
        self.page.write_bytes(b"\xff\xfe\x00")
        self.check(str(self.page))

    def test_no_object(self) -> None:
        self.page.write_bytes(b"[]")
        self.check(str(self.page), "no JSON object")

    def test_a_page_with_more_than_this_program_writes(self) -> None:
        self.change(lambda page: page["files"][0].update(yanked=True))
        self.check(str(self.page), "yanked", "would be lost")

    def test_a_page_with_less(self) -> None:
        self.change(lambda page: page["files"][0].pop("hashes"))
        self.check(str(self.page), "lacks ['hashes']")

    def test_an_unhashed_wheel(self) -> None:
        self.change(lambda page: page["files"][0]["hashes"].update(sha256="none"))
        self.check(str(self.page), "has no SHA-256")

    def test_the_page_of_another_project(self) -> None:
        self.change(lambda page: page.update(name="other"))
        self.check(str(self.page), "it is that of 'other'")

    def test_another_version_of_the_api(self) -> None:
        self.change(lambda page: page["meta"].update({"api-version": "2.0"}))
        self.check(str(self.page), "version 2.0 of the API")

    def test_files_elsewhere(self) -> None:
        self.change(lambda page: page["files"][0].update(url="https://example.org/a.whl"))
        self.check(str(self.page), "at another address")

    def test_a_file_name_that_is_a_path(self) -> None:
        self.change(lambda page: page["files"][0].update(filename="../a.whl"))
        self.check(str(self.page), "'../a.whl'")

    def test_html_without_json(self) -> None:
        self.page.unlink()
        self.check(str(self.page), "not there")

    def test_the_page_of_a_backend(self) -> None:
        self.page = self.target / "whl/cpu/index.v1_json"
        self.change(lambda page: page.pop("projects"))
        self.check(str(self.page), "lacks ['projects']")

    def test_another_landing_page(self) -> None:
        (self.target / "index.html").write_text("<!DOCTYPE html><p>Welcome", encoding="utf-8")
        self.check(str(self.target / "index.html"), "no button")

    def test_what_was_published_is_untouched(self) -> None:
        self.assertEqual(list(listed(self.target / CPU)), [NAME])


if __name__ == "__main__":
    unittest.main()
