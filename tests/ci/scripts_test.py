"""The scripts of .ci, in a checkout whose bazelw only writes down its arguments."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

# Fails for the arguments that the file `fails` has; //:index is a directory without write access.
_BAZELW = """\
#!/bin/sh
echo "$*" >> calls
[ ! -e fails ] || ! grep -qxF -e "$*" fails || exit 1
mkdir -p bazel-bin/index && echo page > bazel-bin/index/page && chmod 555 bazel-bin/index
"""


class Checkout:
    """A checkout with the scripts.

    Attributes:
        root: Its directory.
        home: The home of the user.
    """

    def __init__(self, root: Path, home: Path) -> None:
        self.root = root
        self.home = home

    def run(self, script: str, *arguments: str, **environment: str) -> int:
        """Returns the exit code of a script that is called from elsewhere."""
        return subprocess.call(
            ["bash", self.root / ".ci" / script, *arguments],
            cwd=self.home,
            env={**os.environ, "HOME": str(self.home), **environment},
        )

    def calls(self) -> list[str]:
        """Returns the arguments of each call of bazelw."""
        file = self.root / "calls"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def checkout(tree: Path, tmp_path: Path):
    root, home = tmp_path / "checkout", tmp_path / "home"
    home.mkdir()
    shutil.copytree(tree / ".ci", root / ".ci")
    (root / "bazelw").write_text(_BAZELW)
    (root / "bazelw").chmod(0o755)
    yield Checkout(root, home)
    if (root / "bazel-bin/index").exists():
        (root / "bazel-bin/index").chmod(0o755)


def test_an_index_is_built_with_each_wheel_by_name(checkout: Checkout) -> None:
    assert checkout.run("build_index", "//:wheel_a //:wheel_b", "--config=x", "--//:version=1") == 0
    assert checkout.calls() == ["build //:index //:wheel_a //:wheel_b --config=x --//:version=1"]
    page = checkout.root / "index/page"
    assert page.read_text() == "page\n"
    assert os.stat(page.parent).st_mode & 0o200


def test_an_index_without_wheels_is_refused(checkout: Checkout, capfd) -> None:
    assert checkout.run("build_index", "", "--config=x") == 1
    assert "the release has no wheels" in capfd.readouterr().err
    assert checkout.calls() == []


def test_a_wheel_that_cannot_be_built_fails(checkout: Checkout) -> None:
    (checkout.root / "fails").write_text("build //:index //:wheel_a\n")
    assert checkout.run("build_index", "//:wheel_a") != 0
    assert not (checkout.root / "index").exists()


def _indexes(checkout: Checkout) -> list[str]:
    """Returns bazelw's arguments for the publication of two indexes, `one` and `two`."""
    for name in ("one", "two"):
        (checkout.root / "indexes" / name).mkdir(parents=True)
    return [
        f"run //tools:publish -- {{}}{checkout.root}/indexes/{name} {checkout.root}/hosted"
        for name in ("one", "two")
    ]


def test_all_are_asked_before_the_first_is_published(checkout: Checkout) -> None:
    calls = _indexes(checkout)
    assert checkout.run("publish", "false", "indexes", "hosted") == 0
    asked = [call.format("--dry-run ") for call in calls]
    assert checkout.calls() == asked + [call.format("") for call in calls]


def test_one_refusal_publishes_nothing(checkout: Checkout) -> None:
    asked = [call.format("--dry-run ") for call in _indexes(checkout)]
    (checkout.root / "fails").write_text(asked[1] + "\n")
    assert checkout.run("publish", "false", "indexes", "hosted") != 0
    assert checkout.calls() == asked


def test_a_dry_run_publishes_nothing(checkout: Checkout) -> None:
    asked = [call.format("--dry-run ") for call in _indexes(checkout)]
    assert checkout.run("publish", "true", "indexes", "hosted") == 0
    assert checkout.calls() == asked


def test_caches_are_below_the_home_of_the_job(checkout: Checkout) -> None:
    assert checkout.run("prepare") == 0
    cache = checkout.home / ".cache/llama-cpp-bazel"
    assert cache.is_dir()
    assert (checkout.root / ".bazelrc.user").read_text().splitlines() == [
        f"common --disk_cache={cache}/disk-cache",
        f"common --repository_cache={cache}/repository-cache",
    ]


def test_a_mac_names_its_sdk(checkout: Checkout, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    xcrun = tools / "xcrun"
    xcrun.write_text('#!/bin/sh\n[ "$*" = "--sdk macosx --show-sdk-path" ] && echo /the/SDK\n')
    xcrun.chmod(0o755)
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    assert checkout.run("prepare", PATH=path) == 0
    settings = (checkout.root / ".bazelrc.user").read_text().splitlines()
    assert settings[2:] == ["common --repo_env=MACOS_SDK=/the/SDK"]
