"""uv on the index: the snippet of abetlen/llama-cpp-python#2136, switching backends, locks,
exports, exclude-newer."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import projects
import pytest
import small_site
import synthetic
from clients import Uv
from packaging.pylock import Pylock

tomllib = pytest.importorskip("tomllib")

SNIPPET = Path(os.environ["SNIPPET"]).read_text(encoding="utf-8")


def locked(uv: Uv, project: str = synthetic.PROJECT) -> list[dict[str, Any]]:
    """Returns the project's entries in uv.lock."""
    lock = tomllib.loads((uv.folder / "uv.lock").read_text(encoding="utf-8"))
    return [package for package in lock["package"] if package["name"] == project]


def make_whole(snippet: str, url: str) -> str:
    """Returns the snippet as an application of its own, with this test's addresses."""
    return snippet.replace(
        "[project]\n", '[project]\nname = "app"\nversion = "1.0"\nrequires-python = ">=3.9"\n'
    ).replace("https://example.org", url)


def test_the_snippet_locks_syncs_and_runs(uv: Uv, url: str, site: Path) -> None:
    uv.write_project(make_whole(SNIPPET, url))
    uv("lock")
    versions = {package["source"]["registry"]: package["version"] for package in locked(uv)}
    # The third is for systems that the snippet has no index for.
    assert versions == {
        f"{url}/whl/cpu": "0.3.101+cpu",
        f"{url}/whl/metal": "0.3.100+metal",
        f"{url}/pypi": "0.9.0",
    }
    uv("sync", "--locked")
    assert uv.installed() == "0.3.101+cpu"
    show = "import llama_cpp, small_dependency; print(llama_cpp.VERSION, small_dependency.VERSION)"
    assert uv("run", "--locked", "python", "-c", show).stdout.split() == ["0.3.101+cpu", "1.0"]


def test_the_snippet_for_named_systems_only(uv: Uv, url: str) -> None:
    """A version that PyPI does not have can only be locked for the systems that have an index."""
    uv.write_project(make_whole(SNIPPET, url).replace("~=0.3", "~=0.3.100"))
    result = uv("lock", check=False)
    assert "only llama-cpp-python{sys_platform != 'darwin' and sys_platform != 'linux'}==0.9.0" in (
        result.stderr
    )
    systems = "environments = [\"sys_platform == 'darwin'\", \"sys_platform == 'linux'\"]"
    uv.write_project(
        make_whole(SNIPPET, url).replace("~=0.3", "~=0.3.100") + f"\n[tool.uv]\n{systems}\n"
    )
    uv("lock")
    assert {package["version"] for package in locked(uv)} == {"0.3.101+cpu", "0.3.100+metal"}


def test_the_lock_has_the_hashes_of_the_files(uv: Uv, url: str, site: Path) -> None:
    uv.write_project(make_whole(SNIPPET, url))
    uv("lock")
    for package in locked(uv):
        for wheel in package["wheels"]:
            file = site / wheel["url"].removeprefix(f"{url}/").replace("%2B", "+")
            assert wheel["hash"] == f"sha256:{synthetic.sha256(file)}"
            assert wheel["size"] == file.stat().st_size
    before = (uv.folder / "uv.lock").read_bytes()
    uv("lock", "--check")
    assert (uv.folder / "uv.lock").read_bytes() == before


def test_sync_switches_with_the_index_and_back(uv: Uv, url: str) -> None:
    for backend in ("cpu", "cu13", "cpu"):
        uv.write_project(
            projects.WITH_ONE_INDEX.format(backend=backend, url=url, version="0.3.100")
        )
        uv("sync")
        assert uv.installed() == f"0.3.101+{backend}"


def test_sync_switches_with_the_extra_and_back(uv: Uv, url: str) -> None:
    uv.write_project(projects.WITH_EXTRAS.format(url=url))
    uv("lock")
    for backend in ("cpu", "cu13", "cpu"):
        uv("sync", "--locked", "--extra", backend)
        assert uv.installed() == f"0.3.101+{backend}"


def test_uv_pip_switches_with_the_exact_version_and_back(uv: Uv, url: str) -> None:
    for backend in ("cpu", "cu13", "cpu"):
        index = f"{url}/whl/{backend}"
        uv("pip", "install", "--index", index, f"{synthetic.PROJECT}==0.3.100+{backend}")
        assert uv.installed() == f"0.3.100+{backend}"


def test_uv_pip_without_the_label_stays(uv: Uv, url: str) -> None:
    """Why the documentation writes the label."""
    for backend in ("cpu", "cu13"):
        uv("pip", "install", "--index", f"{url}/whl/{backend}", f"{synthetic.PROJECT}==0.3.100")
        assert uv.installed() == "0.3.100+cpu"


@pytest.mark.parametrize("backend", ["cpu", "cu13"])
def test_pylock_names_index_and_hash_and_installs(
    uv: Uv, url: str, site: Path, backend: str
) -> None:
    uv.write_project(projects.WITH_EXTRAS.format(url=url))
    uv("export", "--format", "pylock.toml", "--extra", backend, "--output-file", "pylock.toml")
    text = (uv.folder / "pylock.toml").read_text(encoding="utf-8")
    (package,) = (
        package
        for package in Pylock.from_dict(tomllib.loads(text)).packages
        if package.name == synthetic.PROJECT
    )
    assert package.index == f"{url}/whl/{backend}"
    assert str(package.version) == f"0.3.101+{backend}"
    (wheel,) = package.wheels
    file = site / wheel.url.removeprefix(f"{url}/").replace("%2B", "+")
    assert wheel.hashes == {"sha256": synthetic.sha256(file)}
    uv("pip", "install", "--preview-features", "pylock", "-r", "pylock.toml")
    assert uv.installed() == f"0.3.101+{backend}"


@pytest.mark.parametrize(
    ("newest", "version"), [("2026-11-10", "0.3.100+cpu"), ("2026-11-30", "0.3.101+cpu")]
)
def test_exclude_newer_reads_the_upload_time(uv: Uv, url: str, newest: str, version: str) -> None:
    uv.write_project(projects.WITH_ONE_INDEX.format(backend="cpu", url=url, version="0.3.100"))
    uv("sync", "--exclude-newer", newest)
    assert uv.installed() == version


def test_exclude_newer_hides_files_without_upload_time(
    uv: Uv, tmp_path: Path, serve_folder
) -> None:
    """And `exclude-newer = false` for the index shows them."""
    small_site.write_site(tmp_path / "site", upload_times={})
    url = serve_folder(tmp_path / "site")
    project = projects.WITH_ONE_INDEX.format(backend="cpu", url=url, version="0.3.100")
    uv.write_project(project)
    result = uv("lock", "--exclude-newer", "2026-11-30", check=False)
    assert result.returncode != 0
    assert "missing an upload date" in result.stderr
    uv.write_project(project + "exclude-newer = false\n")
    uv("lock", "--exclude-newer", "2026-11-30")
    (package,) = (p for p in locked(uv) if "+" in p["version"])
    assert package["version"] == "0.3.101+cpu"


def test_a_host_that_has_only_html(uv: Uv, site: Path, tmp_path: Path, serve_folder) -> None:
    """Such as GitHub Pages, which cannot look at the Accept header."""
    shutil.copytree(site, tmp_path / "site")
    for page in (tmp_path / "site").rglob("index.v1_json"):
        page.unlink()
    url = serve_folder(tmp_path / "site")
    for backend in ("cpu", "cu13", "cpu"):
        uv.write_project(
            projects.WITH_ONE_INDEX.format(backend=backend, url=url, version="0.3.100")
        )
        uv("sync", UV_DEFAULT_INDEX=f"{url}/pypi")
        assert uv.installed() == f"0.3.101+{backend}"


def test_application_json_is_not_read(uv: Uv, application_json_url: str) -> None:
    index = f"{application_json_url}/whl/cpu"
    result = uv("pip", "install", "--index", index, synthetic.PROJECT, check=False)
    assert result.returncode != 0
    assert 'Unsupported `Content-Type` "application/json"' in result.stderr


def test_a_folder_as_index(uv: Uv, site: Path) -> None:
    uv.write_project(
        projects.WITH_ONE_INDEX.format(backend="cpu", url=site.as_uri(), version="0.3.100")
    )
    uv("sync")
    assert uv.installed() == "0.3.101+cpu"
