"""pip and uv find the wheel of another platform on the index: each has one version."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, NamedTuple

import pytest
import small_site
import synthetic
import write_index
from clients import Pip, Uv


class Platform(NamedTuple):
    """A platform, by the tag of its wheels and by uv's name, and the version that it has."""

    tag: str
    uv_name: str
    version: str


PLATFORMS = (
    Platform("manylinux_2_17_x86_64", "x86_64-unknown-linux-gnu", "0.3.101"),
    Platform("macosx_13_0_arm64", "aarch64-apple-darwin", "0.3.102"),
    Platform("win_amd64", "windows", "0.3.103"),
    Platform("macosx_13_0_x86_64", "x86_64-apple-darwin", "0.3.104"),
    Platform("musllinux_1_2_x86_64", "x86_64-unknown-linux-musl", "0.3.105"),
    Platform("musllinux_1_2_aarch64", "aarch64-unknown-linux-musl", "0.3.106"),
)


@pytest.fixture(scope="module")
def platforms_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a directory with whl/cpu, where each platform has one version, and pypi."""
    folder = tmp_path_factory.mktemp("platforms")
    wheels = folder / "wheels"
    wheels.mkdir()
    for platform in PLATFORMS:
        tag = f"{synthetic.PYTHON_TAG}-{synthetic.ABI_TAG}-{platform.tag}"
        requires = [small_site.DEPENDENCY]
        synthetic.make_wheel(wheels, f"{platform.version}+cpu", tag=tag, requires=requires)
    files = write_index.read_wheels(sorted(wheels.iterdir()))
    write_index.write_index(files, folder / "site", {}, {})
    small_site.write_pypi(folder / "site" / "pypi")
    return folder / "site"


@pytest.fixture
def address(platforms_site: Path, serve_folder: Callable[[Path], str]) -> str:
    return serve_folder(platforms_site)


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.tag)
def test_pip_download(pip: Pip, address: str, platform: Platform) -> None:
    pip(
        "download",
        f"--index-url={address}/pypi",
        f"--extra-index-url={address}/whl/cpu",
        "--only-binary=:all:",
        f"--platform={platform.tag}",
        f"{synthetic.PROJECT}<0.4",
    )
    (wheel,) = pip.folder.glob("llama_cpp_python-*.whl")
    assert wheel.name.startswith(f"llama_cpp_python-{platform.version}+cpu-")
    assert wheel.name.endswith(f"-{platform.tag}.whl")


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.tag)
def test_uv_pip_compile(uv: Uv, address: str, platform: Platform) -> None:
    requirements = uv.folder / "requirements.in"
    requirements.write_text(f"{synthetic.PROJECT}<0.4\n", encoding="utf-8")
    answer = uv(
        "pip",
        "compile",
        "--only-binary=:all:",
        f"--python-platform={platform.uv_name}",
        requirements,
        UV_DEFAULT_INDEX=f"{address}/pypi",
        UV_INDEX=f"{address}/whl/cpu",
    )
    assert f"{synthetic.PROJECT}=={platform.version}+cpu\n" in answer.stdout
