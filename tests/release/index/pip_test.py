"""pip on the index: only the documented command switches backends, and hashes are checked."""

from __future__ import annotations

import shutil
from pathlib import Path

import projects
import pytest
import small_site
import synthetic
from clients import Pip, Uv


def indexes(url: str, backend: str) -> list[str]:
    """Returns the documented command's options; the first stands for pip's default, PyPI."""
    return [f"--index-url={url}/pypi", f"--extra-index-url={url}/whl/{backend}"]


def test_the_documented_command_switches_and_back(pip: Pip, url: str) -> None:
    """Without -U, --force-reinstall or --no-cache-dir, and although PyPI has a newer version."""
    for backend in ("cpu", "cu13", "cpu"):
        pip("install", *indexes(url, backend), f"{synthetic.PROJECT}==0.3.100+{backend}")
        assert pip.installed() == f"0.3.100+{backend}"


@pytest.mark.parametrize("options", [[], ["--upgrade"]])
def test_without_the_label_pip_stays(pip: Pip, url: str, options: list[str]) -> None:
    """Why the documentation writes the label: `cu13` sorts above `cpu`, so pip never goes back."""
    pip("install", *indexes(url, "cu13"), f"{synthetic.PROJECT}==0.3.100+cu13")
    pip("install", *indexes(url, "cpu"), *options, f"{synthetic.PROJECT}==0.3.100")
    assert pip.installed() == "0.3.100+cu13"


def test_without_the_label_pypi_wins(pip: Pip, url: str) -> None:
    pip("install", *indexes(url, "cpu"), synthetic.PROJECT)
    assert pip.installed() == "0.9.0"


def test_metadata_comes_before_the_wheel(pip: Pip, url: str) -> None:
    result = pip("install", "-v", *indexes(url, "cpu"), f"{synthetic.PROJECT}==0.3.100+cpu")
    log = result.stdout
    wheel = "Downloading llama_cpp_python-0.3.100%2Bcpu"
    assert log.index(".whl.metadata") < log.rindex(wheel)


def requirements(pip: Pip, site: Path, wrong: str = "") -> Path:
    """Returns a requirements file with hashes; `wrong` names a project that gets another's."""
    wheels = {
        f"{synthetic.PROJECT}==0.3.100+cpu": next(site.glob("whl/cpu/*/*-0.3.100+cpu-*.whl")),
        f"{small_site.DEPENDENCY}==1.0": next(site.glob("pypi/small-dependency/*.whl")),
    }
    lines = []
    for name, wheel in wheels.items():
        digest = "0" * 64 if wrong and name.startswith(wrong) else synthetic.sha256(wheel)
        lines.append(f"{name} --hash=sha256:{digest}\n")
    path = pip.folder / "requirements.txt"
    path.write_text("".join(lines), encoding="utf-8")
    return path


def test_required_hashes(pip: Pip, url: str, site: Path) -> None:
    pip("install", "--require-hashes", *indexes(url, "cpu"), "-r", requirements(pip, site))
    assert pip.installed() == "0.3.100+cpu"


def test_a_wrong_required_hash_is_refused(pip: Pip, url: str, site: Path) -> None:
    path = requirements(pip, site, wrong=synthetic.PROJECT)
    result = pip("install", "--require-hashes", *indexes(url, "cpu"), "-r", path, check=False)
    assert result.returncode != 0
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in result.stderr
    assert pip.installed() == ""


def test_a_host_that_has_only_html(pip: Pip, site: Path, tmp_path: Path, serve_folder) -> None:
    """Such as GitHub Pages, which cannot look at the Accept header."""
    shutil.copytree(site, tmp_path / "site")
    for page in (tmp_path / "site").rglob("index.v1_json"):
        page.unlink()
    url = serve_folder(tmp_path / "site")
    pip("install", *indexes(url, "cpu"), f"{synthetic.PROJECT}==0.3.100+cpu")
    assert pip.installed() == "0.3.100+cpu"


def test_application_json_is_not_read(pip: Pip, application_json_url: str) -> None:
    options = indexes(application_json_url, "cpu")
    result = pip("install", *options, f"{synthetic.PROJECT}==0.3.100+cpu", check=False)
    assert result.returncode != 0
    assert "because the GET request got Content-Type: application/json" in result.stderr


def test_a_folder_as_index(pip: Pip, site: Path) -> None:
    pip("install", *indexes(site.as_uri(), "cpu"), f"{synthetic.PROJECT}==0.3.100+cpu")
    assert pip.installed() == "0.3.100+cpu"


def test_a_lock_that_uv_exported(pip: Pip, uv: Uv, url: str) -> None:
    """pip calls it experimental."""
    uv.write_project(projects.WITH_EXTRAS.format(url=url))
    lock = pip.folder / "pylock.toml"
    uv("export", "--format", "pylock.toml", "--extra", "cu13", "--output-file", lock)
    pip("install", "-r", lock)
    assert pip.installed() == "0.3.101+cu13"
