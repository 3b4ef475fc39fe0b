"""Files, directories and targets named by CONTRIBUTING.md and how-tos exist, as do the menu's
pages."""

from __future__ import annotations

import os
import posixpath
import re
import tarfile
import unittest

# Paths below a checkout of llama.cpp, and placeholders.
_ELSEWHERE = re.compile(r"^ggml/|<|\*")
_CODE = re.compile(r"`([^`\n]+)`|^    (.+)$", re.MULTILINE)
_PATH = re.compile(r"(?<![\w/@.-])[A-Za-z_][\w.-]*(?:/[\w.-]+)+/?")
_LABEL = re.compile(r"(?<![@\w])//([\w./-]*)(?::([\w.-]+))?")
_LINK = re.compile(r"\]\(([^)#]+)\)")


class NamesTest(unittest.TestCase):
    def setUp(self) -> None:
        self.archive = tarfile.open(os.environ["PROJECT_ARCHIVE"])
        self.addCleanup(self.archive.close)
        self.names = {name.rstrip("/") for name in self.archive.getnames()}

    def text(self, name: str) -> str:
        file = self.archive.extractfile(name)
        assert file
        return file.read().decode()

    def pages(self) -> list[str]:
        howtos = [name for name in self.names if re.fullmatch(r"docs/howto/.+\.md", name)]
        self.assertTrue(howtos)
        return ["CONTRIBUTING.md", *sorted(howtos)]

    def code(self, page: str) -> list[str]:
        return [inline or block for inline, block in _CODE.findall(self.text(page))]

    def test_files_and_directories(self) -> None:
        found = 0
        for page in self.pages():
            for code in self.code(page):
                for path in _PATH.findall(_LABEL.sub("", code)):
                    if _ELSEWHERE.search(code) or path.startswith(("venv/", "bazel-bin/")):
                        continue
                    found += 1
                    with self.subTest(page=page, path=path):
                        self.assertIn(path.rstrip("/"), self.names)
        self.assertGreater(found, 20)

    def test_targets(self) -> None:
        found = 0
        for page in self.pages():
            for code in self.code(page):
                for package, target in _LABEL.findall(code):
                    if "<" in code:
                        continue
                    found += 1
                    with self.subTest(page=page, package=package, target=target):
                        self._assert_target(package, target)
        self.assertGreater(found, 10)

    def _assert_target(self, package: str, target: str) -> None:
        if package.endswith("...") or not target:
            folder = package.removesuffix("...").rstrip("/")
            self.assertTrue(not folder or folder in self.names)
            return
        build = self.text(posixpath.join(package, "BUILD.bazel"))
        # The root package derives its names; suites may be globbed.
        is_suite = posixpath.join(package, f"{target}.py") in self.names and "glob" in build
        self.assertTrue(not package or is_suite or f'"{target}"' in build)

    def test_the_menu_lists_every_page(self) -> None:
        links = {
            posixpath.normpath(posixpath.join("docs", link))
            for link in _LINK.findall(self.text("docs/README.md"))
        }
        self.assertEqual(set(), links - self.names)
        pages = {name for name in self.names if re.fullmatch(r"docs/(?:\w+/)?[\w.-]+\.md", name)}
        self.assertEqual(set(), pages - links - {"docs/README.md"})


if __name__ == "__main__":
    unittest.main()
