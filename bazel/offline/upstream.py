"""Bazel as its authors publish it: one that is installed already, or through Bazelisk from npm."""

from __future__ import annotations

import base64
import hashlib
import http.client
import os
import platform
import re
import shutil
import subprocess
import tarfile
import tempfile
import threading
import urllib.request
from pathlib import Path

from removal import remove
from steps import StepError, reading, run, say

# The oldest version that knows everything that the build files use.
OLDEST_VERSION = (7, 4)

_BAZELISK_VERSION = "1.28.1"
# The SHA-512 of npm's archive, in base64 as npm prints it.
_BAZELISK_SHA512 = (
    "K21x83NXOtd0yb2qzjMES3UV4xEWZ1q1vnXFhADA1u7IoiMVQkJAVQRK3oZ5txpnrGafY15HS+YYr2nmsEP4Tg=="
)
# Name of a processor for Bazelisk, and for Bazel's own releases.
_PROCESSORS = {
    "x86_64": ("amd64", "x86_64"),
    "aarch64": ("arm64", "arm64"),
    "arm64": ("arm64",) * 2,
}
_RELEASES = "https://releases.bazel.build/{version}/release/{file}"
_MIRRORED_RELEASES = "{base}/{version}/{file}"
_NPM_ADVICE = "Check npm's registry."
_PROBE_SECONDS = 5
# Bazelisk may have to download Bazel (60 MB) before it can answer.
_ANSWER_SECONDS = 300


def find_on_path(root: Path) -> Path | None:
    """Returns the `bazel` or else the `bazelisk` on PATH that answers with a usable version."""
    for name in ("bazel", "bazelisk"):
        found = shutil.which(name)
        if not found:
            continue
        version = version_of(Path(found), root)
        if version and version >= OLDEST_VERSION:
            say(f"using {found}, version {'.'.join(map(str, version))}")
            return Path(found)
        oldest = ".".join(map(str, OLDEST_VERSION))
        answer = ".".join(map(str, version)) if version else "no version"
        say(f"not using {found}: it answers with {answer}, {oldest} or newer is needed")
    return None


def version_of(bazel: Path, root: Path) -> tuple[int, ...] | None:
    """Returns the version that a Bazel or Bazelisk answers with for the project at `root`."""
    try:
        answer = subprocess.run(
            [bazel, "--version"],
            cwd=root,
            # bazelw may itself be installed as `bazel`: it must not find itself.
            env={**os.environ, "BAZELW_PROBE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            errors="replace",
            timeout=_ANSWER_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"\bbazel (\d+)\.(\d+)\.(\d+)", answer.stdout)
    if answer.returncode or not match:
        return None
    return tuple(map(int, match.groups()))


def get_bazelisk(cache: Path, root: Path, bazel_version: str) -> Path | None:
    """Returns Bazelisk, fetched with npm, where Bazel's releases can be downloaded; else None."""
    processor = _PROCESSORS.get(platform.machine())
    system = platform.system().lower()
    if not shutil.which("npm") or not processor or system not in ("linux", "darwin"):
        return None
    if not _can_download(_release_address(bazel_version, f"{system}-{processor[1]}")):
        return None
    say(f"getting Bazel {bazel_version} with Bazelisk {_BAZELISK_VERSION} from npm")
    try:
        bazelisk = _fetch_bazelisk(cache, f"{system}_{processor[0]}")
    except StepError as error:
        say(f"going on without Bazelisk: {error}")
        return None
    if version_of(bazelisk, root):
        return bazelisk
    say("going on without Bazelisk: it could not download Bazel")
    remove(bazelisk)  # it may be damaged, and the next run fetches it again
    return None


def _release_address(version: str, target: str) -> str:
    """Returns where Bazelisk will look for Bazel."""
    file = f"bazel-{version}-{target}"
    if base := os.environ.get("BAZELISK_BASE_URL"):
        return _MIRRORED_RELEASES.format(base=base.rstrip("/"), file=file, version=version)
    return _RELEASES.format(file=file, version=version)


def _can_download(address: str) -> bool:
    """Tells, within seconds, whether an address answers.

    Bazelisk itself takes half a minute to give up on a closed network.
    """
    answered = threading.Event()

    def ask() -> None:
        request = urllib.request.Request(address, method="HEAD")
        try:
            with urllib.request.urlopen(request, timeout=_PROBE_SECONDS):
                answered.set()
        except (OSError, ValueError, http.client.HTTPException):
            pass

    # A thread, because an unanswered name look-up cannot be given a time limit.
    question = threading.Thread(target=ask, daemon=True)
    question.start()
    question.join(_PROBE_SECONDS)
    return answered.is_set()


def _fetch_bazelisk(cache: Path, target: str) -> Path:
    """Downloads the pinned Bazelisk with npm and returns its binary for `target`."""
    bazelisk = cache / f"bazelisk-{_BAZELISK_VERSION}" / "bazelisk"
    if bazelisk.is_file():
        return bazelisk
    remove(bazelisk)
    bazelisk.parent.mkdir(exist_ok=True)
    step = "get Bazelisk"
    with tempfile.TemporaryDirectory(dir=cache, prefix="tmp-") as folder:
        package = f"@bazel/bazelisk@{_BAZELISK_VERSION}"
        command = ["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", folder]
        run(step, [*command, package], _NPM_ADVICE, cwd=Path(folder))
        archive = next(Path(folder).glob("*.tgz"), None)
        if archive is None:
            raise StepError(step, f"npm has written no archive of {package}", _NPM_ADVICE)
        digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if digest != _BAZELISK_SHA512:
            raise StepError(step, f"npm's {package} is not the pinned one", _NPM_ADVICE)
        with reading(step, _NPM_ADVICE), tarfile.open(archive) as tar:
            content = tar.extractfile(f"package/bazelisk-{target}").read()
        with open(f"{folder}/bazelisk", "wb") as binary:
            binary.write(content)
        os.chmod(binary.name, 0o755)
        os.replace(binary.name, bazelisk)
    return bazelisk
