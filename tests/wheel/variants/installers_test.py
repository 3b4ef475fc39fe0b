"""Choices of real uv and pip among variants that the rule `wheel_variant` made: small wheels that
know their backend's name.

uv asks the NVIDIA driver for its CUDA version; NV_VARIANT_PROVIDER_FORCE_CUDA_DRIVER_VERSION is its
own way to fake one.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Callable, Iterable, Mapping, Optional

import pytest
import variants
from packaging.version import Version
from small_wheels import write_wheel

UV = os.environ["UV"]
PIP = Path(os.environ["PIP_WHEEL"]) / "pip"
WHEELS = {
    (variants.variant_label(path.name) or "plain"): path
    for path in map(Path, os.environ["VARIANT_WHEELS"].split())
}
# A variant reports the local label of the wheel that it was made of.
BACKEND = {"null": "cpu", "plain": "cpu", "cu12": "cu12", "cu13": "cu13", "vulkan": "vulkan"}

# uv reads a driver's version from these, or asks nvidia-smi.
DRIVER_FILES = [Path("/sys/module/nvidia/version"), Path("/proc/driver/nvidia/version")]
no_driver = pytest.mark.skipif(
    any(path.exists() for path in DRIVER_FILES),
    reason="this machine has an NVIDIA driver, so there is nothing to see without one",
)

Serve = Callable[[Mapping[str, Mapping[str, bytes]]], str]


def project(labels: Iterable[str]) -> dict[str, bytes]:
    """Returns file name -> content of the wheels of these labels and their index-level file."""
    wheels = [WHEELS[label] for label in labels]
    return {
        **{wheel.name: wheel.read_bytes() for wheel in wheels},
        **variants.variants_files(wheels),
    }


def runtime(tmp_path: Path) -> dict[str, dict[str, bytes]]:
    """Returns the requirements of small wheels of CUDA, as real ones require nvidia's."""
    names = ["runtime_cu12-1.0-py3-none-any.whl", "runtime_cu13-1.0-py3-none-any.whl"]
    return {
        name.split("-")[0].replace("_", "-"): {name: write_wheel(tmp_path / name).read_bytes()}
        for name in names
    }


class Site:
    """A directory to install into."""

    def __init__(self, tmp_path: Path, address: str) -> None:
        self.folder = tmp_path / "site"
        self._home = tmp_path / "home"
        self._home.mkdir(exist_ok=True)
        self.address = address

    def run(
        self, command: Iterable[object], driver: Optional[str] = None, cwd: Optional[Path] = None
    ) -> subprocess.CompletedProcess[str]:
        environment = {"HOME": str(self._home), "PATH": os.environ["PATH"]}
        if driver:
            environment["NV_VARIANT_PROVIDER_FORCE_CUDA_DRIVER_VERSION"] = driver
        return subprocess.run(
            list(map(str, command)),
            env=environment,
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def uv(
        self, *arguments: str, driver: Optional[str] = None, variants: bool = True
    ) -> subprocess.CompletedProcess[str]:
        flag = ["--preview-features", "wheel-variants"] if variants else []
        return self.run(
            [UV, "pip", "install", "--no-config", "--no-cache", "--python", sys.executable, *flag]
            + ["--target", self.folder, "--default-index", self.address, *arguments],
            driver,
        )

    def pip(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return self.run(
            [sys.executable, "-I", PIP, "--isolated", "install", "--no-cache-dir", "--target"]
            + [self.folder, "--index-url", self.address, "--disable-pip-version-check", *arguments]
        )

    def backend(self) -> str:
        """Returns the installed package's label."""
        code = "import demo; print(demo.BACKEND)"
        result = self.run([sys.executable, "-S", "-c", code], cwd=self.folder)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def installed(self) -> set[str]:
        paths = importlib.metadata.distributions(path=[str(self.folder)])
        return {distribution.metadata["Name"] for distribution in paths}

    def label(self) -> str:
        """Returns the installed variant's label, by its variant.json, or `plain` if there is
        none."""
        [dist_info] = self.folder.glob("demo-*.dist-info")
        path = dist_info / "variant.json"
        if not path.is_file():
            return "plain"
        [label] = json.loads(path.read_text())["variants"]
        return label


@pytest.fixture
def site(tmp_path: Path, serve: Serve) -> Callable[[Iterable[str]], Site]:
    """Returns a function from labels to a site that installs from an index with these variants."""

    def site(labels: Iterable[str]) -> Site:
        return Site(tmp_path, serve({"demo": project(labels), **runtime(tmp_path)}))

    return site


Sites = Callable[[Iterable[str]], Site]
CUDA = ["plain", "null", "cu12", "cu13"]


def took(site: Site, result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == 0, result.stderr
    label = site.label()
    assert site.backend() == BACKEND[label]
    return label


@pytest.mark.parametrize(
    ("driver", "expected"),
    [
        pytest.param(None, "null", marks=no_driver),
        ("12.2", "null"),
        ("12.6", "cu12"),
        ("13.1", "cu13"),
    ],
)
def test_uv_picks_by_driver(site: Sites, driver: Optional[str], expected: str) -> None:
    demo = site(CUDA)
    assert took(demo, demo.uv("demo", driver=driver)) == expected


@pytest.mark.parametrize("driver", [None, "12.2", "12.6", "13.1"])
def test_uv_takes_the_plain_wheel_without_the_flag(site: Sites, driver: Optional[str]) -> None:
    demo = site(CUDA)
    assert took(demo, demo.uv("demo", driver=driver, variants=False)) == "plain"


@pytest.mark.parametrize(("driver", "expected"), [("12.2", "plain"), ("13.1", "cu13")])
def test_uv_takes_the_plain_wheel_where_no_variant_fits(
    site: Sites, driver: str, expected: str
) -> None:
    demo = site(["plain", "cu12", "cu13"])
    assert took(demo, demo.uv("demo", driver=driver)) == expected


@pytest.mark.parametrize(
    ("driver", "expected"),
    [
        pytest.param(None, "vulkan", marks=no_driver),
        ("12.2", "vulkan"),
        ("12.6", "cu12"),
        ("13.1", "cu13"),
    ],
)
def test_uv_picks_among_all_variants(site: Sites, driver: Optional[str], expected: str) -> None:
    """Vulkan is always chosen, as its provider is static; ROCm never, as uv knows no provider."""
    demo = site(WHEELS)
    assert "rocm6" in WHEELS
    assert took(demo, demo.uv("demo", driver=driver)) == expected


@pytest.mark.parametrize(
    ("driver", "expected"),
    [("12.2", set()), ("12.6", {"runtime-cu12"}), ("13.1", {"runtime-cu13"})],
)
def test_each_variant_brings_its_own_requirements(
    site: Sites, driver: str, expected: set[str]
) -> None:
    demo = site(CUDA)
    took(demo, demo.uv("demo", driver=driver))
    assert {name.replace("_", "-") for name in demo.installed()} == {"demo", *expected}


@pytest.mark.parametrize("requirement", ["demo==1.0", "demo~=1.0", "demo>=1.0,<2"])
def test_version_of_an_installed_variant(site: Sites, requirement: str) -> None:
    """The package keeps its label, the distribution has none, and their public parts agree."""
    demo = site(CUDA)
    took(demo, demo.uv(requirement, driver="13.1"))
    [distribution] = importlib.metadata.distributions(name="demo", path=[str(demo.folder)])
    code = "import demo; print(demo.__version__)"
    version = demo.run([sys.executable, "-S", "-c", code], cwd=demo.folder).stdout.strip()
    assert (distribution.version, version) == ("1.0", "1.0+cu13")
    assert Version(version).public == distribution.version


def test_uv_keeps_an_installed_variant_until_told_to_reinstall(site: Sites) -> None:
    demo = site(CUDA)
    assert took(demo, demo.uv("demo", driver="12.2")) == "null"
    assert took(demo, demo.uv("--upgrade", "demo", driver="13.1")) == "null"
    assert took(demo, demo.uv("--reinstall", "demo", driver="13.1")) == "cu13"


def test_without_the_index_level_file_uv_takes_the_plain_wheel(
    tmp_path: Path, serve: Serve
) -> None:
    files = project(CUDA)
    del files["demo-1.0-variants.json"]
    demo = Site(tmp_path, serve({"demo": files}))
    assert took(demo, demo.uv("demo", driver="13.1")) == "plain"


def test_uv_refuses_an_index_level_file_with_a_flipped_bit(tmp_path: Path, serve: Serve) -> None:
    demo = Site(tmp_path, serve({"demo": project(CUDA), **runtime(tmp_path)}))
    path = tmp_path / "index" / "demo" / "demo-1.0-variants.json"
    # Good JSON still: the hash alone tells that CUDA 12 is not enough for cu13.
    flipped = path.read_bytes().replace(b'"13.0"', b'"12.0"')
    assert flipped != path.read_bytes()
    path.write_bytes(flipped)
    result = demo.uv("demo", driver="12.2")
    assert result.returncode != 0
    assert "Hash mismatch" in result.stderr and path.name in result.stderr
    assert not (demo.folder / "demo").exists()


def test_uv_refuses_a_variant_with_other_bytes(tmp_path: Path, serve: Serve) -> None:
    demo = Site(tmp_path, serve({"demo": project(CUDA), **runtime(tmp_path)}))
    # A good archive still: the hash alone tells.
    with zipfile.ZipFile(tmp_path / "index" / "demo" / WHEELS["cu13"].name, "a") as archive:
        archive.comment = b"not the wheel that was listed"
    result = demo.uv("demo", driver="13.1")
    assert result.returncode != 0
    assert "Hash mismatch for `demo==1.0`" in result.stderr
    assert not (demo.folder / "demo").exists()


def test_uv_lock_knows_no_variants(site: Sites, tmp_path: Path) -> None:
    """The reason why docs/variants.md sends users of `uv sync` to the index of one backend."""
    demo = site(CUDA)
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "0"\nrequires-python = ">=3.9"\n'
        'dependencies = ["demo"]\n'
    )
    result = demo.run(
        [UV, "lock", "--no-cache", "--python", sys.executable, "--preview-features"]
        + ["wheel-variants", "--default-index", demo.address],
        driver="13.1",
        cwd=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    lock = (tmp_path / "uv.lock").read_text()
    assert "demo-1.0-py3-none-any.whl" in lock
    assert not [name for name in project(CUDA) if "cu1" in name and name in lock]


def test_pip_takes_the_plain_wheel(site: Sites) -> None:
    demo = site(WHEELS)
    assert took(demo, demo.pip("demo")) == "plain"


def test_pip_refuses_the_path_of_a_variant(site: Sites) -> None:
    demo = site(CUDA)
    result = demo.pip(WHEELS["cu13"].resolve())
    assert result.returncode != 0
    assert "Invalid build number: py3" in result.stderr
