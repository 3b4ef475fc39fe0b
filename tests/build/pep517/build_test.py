"""Hooks that build: their Bazel command, its environment, and the handling of its answer."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
import stand_in
from packaging.tags import sys_tags

ABI = next(sys_tags()).abi
BASE = os.path.realpath(sys.executable)


def only_build(tree) -> dict:
    """Returns the one call that builds; the other ended the server, with equal startup options."""
    build, shutdown = stand_in.calls(tree.log)
    startup = build["arguments"][: build["arguments"].index("build")]
    assert shutdown["arguments"] == [*startup, "shutdown"]
    return build


def options(call: dict) -> list[str]:
    """Returns the command's arguments, but for the ones that differ from run to run."""
    arguments = call["arguments"]
    return [
        item
        for item in arguments[arguments.index("build") :]
        if not item.startswith("--build_event_json_file=")
    ]


def test_the_command(tree) -> None:
    result = tree.call("build_wheel", str(tree.out))
    assert result.value == f"llama_cpp_python-0.3.100-{ABI}-{ABI}-linux_x86_64.whl"
    assert [path.name for path in tree.out.iterdir()] == [result.value]
    call = only_build(tree)
    assert call["folder"] == str(tree.root)
    base = tree.out.parent / "cache/llama-cpp-bazel/pep517"
    assert call["arguments"][:2] == [f"--output_base={base}", "--max_idle_secs=60"]
    assert options(call) == [
        "build",
        "--symlink_prefix=/",
        "--noshow_progress",
        "--remote_download_outputs=toplevel",
        "--//:version=0.3.100",
        "--//:local_label=",
        f"--//:python_abi={ABI}",
        f"--repo_env=PYTHON={BASE}",
        "--",
        "//:wheel",
    ]


def test_settings_become_flags(tree) -> None:
    root = tree.out.parent / "root"
    given = {
        "abi": "cp313t",
        "backend": "stone",
        "bazel-args": ["--jobs=2", "-k --//:python_abi=cp313t"],
        "local-label": "auto",
        "output-user-root": str(root),
    }
    result = tree.call("build_wheel", str(tree.out), given)
    assert result.value == "llama_cpp_python-0.3.100+stone1-cp313-cp313t-linux_x86_64.whl"
    call = only_build(tree)
    assert call["arguments"][:3] == [
        f"--output_base={root}/pep517",
        "--max_idle_secs=60",
        f"--output_user_root={root}",
    ]
    assert options(call)[4:] == [
        "--//:version=0.3.100",
        "--//:local_label=stone1",
        "--//:python_abi=cp313t",
        f"--repo_env=PYTHON={BASE}",
        "--config=stone",
        "--jobs=2",
        "-k",
        "--//:python_abi=cp313t",
        "--",
        "//:wheel",
    ]


def test_other_folders_give_the_same_command_and_environment(tree, tmp_path) -> None:
    """pip and uv unpack into a new directory each time, and put a temporary environment on PATH."""
    seen = []
    for name in ("one", "two"):
        root = tmp_path / name / "sources"
        shutil.copytree(tree.root, root)
        overlay = tmp_path / name / "overlay"
        # As pip does where a build requires nothing: the directory is never made.
        path = os.pathsep.join([str(overlay / "bin"), os.environ["PATH"]])
        elsewhere = tree._replace(root=root, log=tmp_path / f"{name}.log")
        variables = {"PATH": path, "PYTHONPATH": str(overlay), "PIP_BUILD_TRACKER": str(overlay)}
        assert elsewhere.call("build_wheel", str(tree.out), **variables).status == 0
        call = only_build(elsewhere)
        del call["environment"][stand_in.LOG]
        # Shells set it to the directory that they are in.
        call["environment"].pop("PWD", None)
        assert call.pop("folder") == str(root)
        seen.append((call["environment"], call["arguments"][:2], options(call)))
    assert seen[0] == seen[1]


def test_what_pip_knows_of_the_index_survives_and_nothing_else_of_pip_and_python(tree) -> None:
    index = {
        "PIP_CERT": "cert.pem",
        "PIP_CONFIG_FILE": "pip.conf",
        "PIP_EXTRA_INDEX_URL": "b",
        "PIP_FIND_LINKS": "c",
        "PIP_INDEX_URL": "a",
        "PIP_PROXY": "d",
    }
    others = {"PIP_REQUIRE_HASHES": "1", "PIP_TARGET": "t", "PYTHONNOUSERSITE": "1", "PYTHON": "p"}
    kept = {"UV_INDEX": "u", "BAZEL": "b"}
    tree.call("build_wheel", str(tree.out), **index, **others, **kept)
    environment = only_build(tree)["environment"]
    names = {n for n in environment if n.startswith(("PIP_", "PYTHON"))}
    assert {name: environment[name] for name in names} == index
    assert kept.items() <= environment.items()


def path_in_environment(tree, folder: Path, with_pip: bool) -> list[str]:
    """Returns Bazel's PATH for a build in a virtual environment, which is first on PATH."""
    venv.create(folder, with_pip=False, symlinks=True)
    if with_pip:
        (next(folder.glob("lib/*/site-packages")) / "pip").mkdir()
    path = os.pathsep.join([str(folder / "bin"), "/usr/bin", "/bin"])
    script = (
        "import os, sys; sys.path.insert(0, 'tools'); from pep517 import bazel\n"
        "print(bazel.environment(os.environ)['PATH'])"
    )
    result = subprocess.run(
        [folder / "bin/python", "-B", "-c", script],
        cwd=tree.root,
        env={"PATH": path},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return result.stdout.strip().split(os.pathsep)


def test_a_temporary_environment_is_not_on_path(tree, tmp_path) -> None:
    found = path_in_environment(tree, tmp_path / "venv", with_pip=False)
    assert found == ["/usr/bin", "/bin", os.path.dirname(BASE)]


def test_the_environment_of_the_pip_that_installs_is_asked_for_the_index(tree, tmp_path) -> None:
    found = path_in_environment(tree, tmp_path / "venv", with_pip=True)
    assert found == [str(tmp_path / "venv/bin"), "/usr/bin", "/bin"]


def test_a_failure_ends_in_one_sentence_below_bazels_words(tree) -> None:
    result = tree.call("build_wheel", str(tree.out), **{stand_in.EXIT: "7"})
    assert (result.status, result.value) == (1, None)
    lines = result.said.splitlines()
    assert lines[-2:] == [
        "ERROR: the stand-in fails",
        "llama-cpp-python: Bazel could not build //:wheel (exit code 7): its own words are above,"
        f" and `./bazelw build //:wheel` in {tree.root} says them again",
    ]
    only_build(tree)
    assert not list(tree.out.iterdir())


@pytest.mark.parametrize(
    "argument, built",
    [
        ("--//:version=9", f"llama_cpp_python-9-{ABI}-"),
        ("--//:local_label=x", f"llama_cpp_python-0.3.100+x-{ABI}-"),
        ("--//:python_abi=cp399", "llama_cpp_python-0.3.100-cp399-"),
    ],
)
def test_a_wheel_that_is_not_what_the_settings_say_is_refused(tree, argument, built) -> None:
    result = tree.call("build_wheel", str(tree.out), {"bazel-args": argument})
    assert result.status == 1
    last = result.said.splitlines()[-1]
    assert last.startswith(f"llama-cpp-python: Bazel built {built}")
    assert f".whl, not llama_cpp_python-0.3.100-{ABI}-{ABI}-*.whl: name version" in last
    assert not list(tree.out.iterdir())


def test_targets_in_bazel_args_are_refused(tree) -> None:
    result = tree.call("build_wheel", str(tree.out), {"bazel-args": "//:wheel_cp39"})
    assert result.status == 1
    assert result.said.splitlines()[-1] == (
        "llama-cpp-python: Bazel built 2 wheels and not one: name no targets in bazel-args"
    )


def test_wrong_settings_end_every_hook_before_bazel_starts(tree) -> None:
    words = "llama-cpp-python: -C backnd is no setting (did you mean backend?)"
    for hook in (
        "build_wheel",
        "build_editable",
        "build_sdist",
        "prepare_metadata_for_build_wheel",
        "prepare_metadata_for_build_editable",
    ):
        result = tree.call(hook, str(tree.out), {"backnd": "cpu"})
        assert result.status == 1
        assert result.said.splitlines()[-1].startswith(words)
    assert stand_in.calls(tree.log) == []


def test_bazelw_that_does_not_run(tree) -> None:
    (tree.root / "bazelw").chmod(0o644)
    result = tree.call("build_wheel", str(tree.out))
    assert result.status == 1
    assert result.said.splitlines()[-1] == (
        f"llama-cpp-python: {tree.root}/bazelw does not run (Permission denied):"
        " unpack or clone the project again"
    )


def test_builds_at_the_same_time_take_turns(tree, tmp_path) -> None:
    """The second waits until the first one's wheel has been copied out of the shared directory."""
    lock = tree.out.parent / "cache/llama-cpp-bazel/pep517.lock"
    lock.parent.mkdir(parents=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        script = (
            "import sys; sys.path.insert(0, 'tools'); import pep517; "
            "pep517.build_wheel(sys.argv[1])"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(tree.out)],
            cwd=tree.root,
            env=tree.environment(),
            stderr=subprocess.PIPE,
            text=True,
        )
        waiting = process.stderr.readline()
        assert waiting == "waiting for another build of llama-cpp-python\n"
        assert stand_in.calls(tree.log) == []
    process.communicate(timeout=60)
    assert process.returncode == 0
    only_build(tree)


def test_nothing_is_required_for_a_build(tree) -> None:
    for kind in ("wheel", "editable", "sdist"):
        assert tree.call(f"get_requires_for_build_{kind}").value == []
