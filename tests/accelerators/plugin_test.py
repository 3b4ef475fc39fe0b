"""Plug-ins: found by their entry point, refused when they belong to another build, loaded once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from conftest import GIB, Installation
from package_copy import USE

MEMORY = {"STAND_IN_MEMORY": str(2 * GIB)}


def test_a_plugin_is_found(installation: Installation, model_path: str) -> None:
    package = installation.add_plugin("PLUGIN")
    answer = installation.ask("vulkan", **MEMORY)
    assert (answer.reason, answer.warnings, answer.stderr) == ("", [], "")
    (entry,) = installation.info(**MEMORY)["backends"]
    assert entry["state"] == "loaded"
    assert entry["origin"].startswith("llama-cpp-backend-vulkan ")
    assert entry["library"] == str(package / "lib" / "libggml-standin.so")
    assert installation.run(USE, model_path, **MEMORY).returncode == 0


def test_without_plugins_nothing_is_imported_for_them(installation: Installation) -> None:
    code = "import sys, llama_cpp; print('importlib.metadata' in sys.modules)"
    assert installation.run(code).stdout == "False\n"
    installation.add_plugin("PLUGIN")
    assert installation.run(code).stdout == "True\n"


def test_another_version_is_refused(installation: Installation, model_path: str) -> None:
    installation.add_plugin("OLD_PLUGIN")
    answer = installation.ask("vulkan", **MEMORY)
    assert answer.reason == "version"
    assert "llama-cpp-backend-old 0.0.1" in answer.message
    assert "pip install llama-cpp-backend-old==" in answer.message
    (warning,) = answer.warnings
    assert answer.message in warning
    assert installation.run(USE, model_path).returncode == 0


def test_another_commit_is_refused(installation: Installation) -> None:
    installation.add_plugin("OTHER_PLUGIN")
    answer = installation.ask("vulkan", **MEMORY)
    assert answer.reason == "version"
    assert "000000000" in answer.message
    assert "pip install --force-reinstall --no-deps llama-cpp-backend-other==" in answer.message
    assert len(answer.warnings) == 1


def test_a_refused_plugin_stands_in_nobodys_way(installation: Installation) -> None:
    installation.add_plugin("OLD_PLUGIN")
    installation.add_plugin("PLUGIN")
    answer = installation.ask("vulkan", **MEMORY)
    assert (answer.reason, answer.warnings) == ("", [])
    states = {entry["origin"].split(" ")[0]: entry for entry in installation.info()["backends"]}
    assert states["llama-cpp-backend-vulkan"]["state"] == "loaded"
    assert states["llama-cpp-backend-old"]["state"] == "refused"
    assert "0.0.1" in states["llama-cpp-backend-old"]["reason"]


def test_the_wheels_own_backend_wins(installation: Installation) -> None:
    own = installation.add_backend("vulkan")
    installation.add_plugin("PLUGIN")
    answer = installation.ask("vulkan", **MEMORY)
    assert (answer.reason, answer.warnings) == ("", [])
    info = installation.info(**MEMORY)
    first, second = info["backends"]
    assert (first["state"], first["library"]) == ("loaded", str(own))
    assert second["state"] == "unused" and second["problem"] == ""
    assert [device["name"] for device in info["devices"]] == ["CPU", "StandIn0"]
    text = installation.run("from llama_cpp.__main__ import main; main(['info'])", **MEMORY).stdout
    assert "unused, because this wheel has this backend, too" in text


def test_a_plugin_for_a_backend_of_the_wheel_that_fails(installation: Installation) -> None:
    installation.add_backend("vulkan", needs="libvulkan.so.9")
    installation.add_plugin("PLUGIN")
    answer = installation.ask("vulkan", **MEMORY)
    assert (answer.reason, answer.warnings) == ("", [])


def test_a_plugin_that_is_there_twice(installation: Installation, tmp_path: Path) -> None:
    installation.add_plugin("PLUGIN")
    second = tmp_path / "second"
    shutil.copytree(
        installation.site, second, ignore=lambda folder, names: {"llama_cpp"} & set(names)
    )
    done = installation.run(
        f"import sys; sys.path.append({str(second)!r})\n"
        "import json\n"
        "from llama_cpp._backends.report import report\n"
        "print(json.dumps(report.backends))"
    )
    (entry,) = json.loads(done.stdout)
    assert entry["library"].startswith(str(installation.site))


def test_a_damaged_plugin(installation: Installation, model_path: str) -> None:
    package = installation.add_plugin("PLUGIN")
    (package / "__init__.py").write_text("raise RuntimeError('no')\n")
    answer = installation.ask("vulkan", **MEMORY)
    assert answer.reason == "version"
    (warning,) = answer.warnings
    assert "RuntimeError: no" in warning and "pip install --force-reinstall --no-deps" in warning
    assert installation.run(USE, model_path).returncode == 0


def test_what_is_left_of_a_plugin(installation: Installation) -> None:
    package = installation.add_plugin("PLUGIN")
    shutil.rmtree(package)
    answer = installation.ask("vulkan")
    assert answer.reason == "version" and "ModuleNotFoundError" in answer.message
    shutil.rmtree(next(installation.site.glob("llama_cpp_backend_*.dist-info")))
    answer = installation.ask("vulkan")
    assert answer.reason == "absent" and answer.warnings == []


def test_a_folder_without_entry_points(installation: Installation) -> None:
    (installation.site / "llama_cpp_backend_x-1.dist-info").mkdir()
    answer = installation.ask("vulkan")
    assert answer.reason == "absent" and answer.warnings == []
