"""The landing page in a headless Chromium: its cells, and the working lines of a clicked one."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any, Iterator

import pytest
import serve
import small_site
import synthetic
import write_index
from chromium import Page, find_chromium
from clients import Pip, Uv
from packaging.utils import parse_wheel_filename

CHROMIUM = find_chromium()
pytestmark = pytest.mark.skipif(
    not CHROMIUM,
    reason="no Chromium: chromium, chromium-browser and google-chrome are not on PATH; "
    "install one (Debian: apt install chromium) or name it with "
    "--test_env=CHROMIUM=/path/to/chromium",
)

BUILD_COMMANDS = {
    f"cpu-{synthetic.LINUX}": "./bazelw build //:wheel_{abi}",
    f"cu13-{synthetic.LINUX}": "./bazelw build //:wheel_{abi} --platforms=//:gpu",
}
# Beside this interpreter's own wheels: another ABI, a free-threaded one, another system, and an
# older version.
MORE_WHEELS = [
    ("0.3.101+cpu", f"cp39-cp39-{synthetic.LINUX}"),
    ("0.3.101+cpu", f"cp315-cp315t-{synthetic.LINUX}"),
    ("0.3.101+cpu", f"cp315-cp315-{synthetic.LINUX}"),
    ("0.3.101+cpu", "cp315-cp315-win_amd64"),
    ("0.3.101rc1+cpu", f"cp315-cp315-{synthetic.LINUX}"),
]
CELL = "document.querySelector('button[data-wheel*=\"{}\"]')"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("landing") / "site"
    paths = small_site.backend_wheels(folder.with_name("wheels"))
    paths += [
        synthetic.make_wheel(folder.with_name("wheels"), version, tag=tag)
        for version, tag in MORE_WHEELS
    ]
    write_index.write_index(
        write_index.read_wheels(paths), folder, small_site.UPLOAD_TIMES, BUILD_COMMANDS
    )
    small_site.write_pypi(folder / "pypi")
    return folder


@pytest.fixture(scope="module")
def url(site: Path) -> Iterator[str]:
    """Not at the root of the host: the page has to find out where it is."""
    address, stop = serve.start(site.parent)
    yield f"{address}/{site.name}"
    stop()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    assert CHROMIUM
    page = Page(CHROMIUM, tmp_path_factory.mktemp("chromium"))
    yield page
    page.close()


def files_of_the_index(site: Path) -> dict[str, dict[str, Any]]:
    """Returns a mapping: file name -> its entry in the JSON pages."""
    return {
        entry["filename"]: entry
        for path in site.glob("whl/*/*/index.v1_json")
        for entry in json.loads(path.read_text(encoding="utf-8"))["files"]
    }


def lines(page: Page) -> dict[str, str]:
    """Returns the visible text of the page: id of the line -> text."""
    return page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('.line')]"
        ".filter((line) => line.offsetHeight)"
        ".map((line) => [line.id, line.querySelector('pre code').textContent]))"
    )


def test_every_wheel_has_a_cell_with_its_size(page: Page, url: str, site: Path) -> None:
    page.open(f"{url}/")
    cells = page.evaluate(
        "[...document.querySelectorAll('td button')]"
        ".map((b) => [JSON.parse(b.dataset.wheel).file, b.textContent])"
    )
    expected = {
        name: f"{entry['size'] / 1e3:.1f} kB" for name, entry in files_of_the_index(site).items()
    }
    assert dict(cells) == expected
    assert len(cells) == len(expected)


def test_rows_and_columns_name_what_is_in_them(page: Page, url: str, site: Path) -> None:
    """By the table's own header cells, as a screen reader would."""
    page.open(f"{url}/")
    cells = page.evaluate(
        """[...document.querySelectorAll('td button')].map((button) => {
          const td = button.closest('td'), table = td.closest('table');
          const column = table.tHead.rows[1].cells[td.cellIndex - 1];
          const groups = [...table.tHead.rows[0].cells].slice(1);
          const backends = groups.flatMap((th) => Array(th.colSpan).fill(th));
          return {
            file: JSON.parse(button.dataset.wheel).file,
            row: td.parentNode.querySelector('th[scope=row]').textContent,
            platform: column.textContent,
            backend: backends[td.cellIndex - 1].textContent,
            caption: table.caption.textContent,
          };
        })"""
    )
    assert len(cells) == len(files_of_the_index(site))
    for cell in cells:
        _, version, _, tags = parse_wheel_filename(cell["file"])
        (tag,) = tags
        abi = re.fullmatch(r"cp(\d)(\d+)(t?)", tag.abi)
        assert cell["row"].split()[0] == "{}.{}{}".format(*abi.groups())
        assert ("free-threaded" in cell["row"]) == tag.abi.endswith("t")
        assert cell["backend"] == version.local
        assert cell["caption"] == f"{synthetic.PROJECT} {version.public}"
        system = {"l": "Linux", "m": "macOS", "w": "Windows"}[tag.platform.removeprefix("many")[0]]
        assert cell["platform"].startswith(system)
        assert cell["platform"].split()[1] in tag.platform


def test_versions_are_in_order_and_the_newest_is_open(page: Page, url: str) -> None:
    page.open(f"{url}/")
    captions = page.evaluate(
        "[...document.querySelectorAll('caption')]"
        ".map((caption) => [caption.textContent, caption.checkVisibility()])"
    )
    assert captions == [
        ["llama-cpp-python 0.3.101", True],
        ["llama-cpp-python 0.3.101rc1", False],
        ["llama-cpp-python 0.3.100", False],
    ]


def test_at_first_the_newest_ordinary_python_is_chosen(page: Page, url: str) -> None:
    page.open(f"{url}/")
    assert page.evaluate("document.getElementById('choice').textContent") == (
        "Python 3.15, cpu, Linux x86_64, glibc 2.17+"
    )


def expected_lines(file: str, url: str) -> dict[str, str]:
    """Returns the lines for a wheel, from its name alone."""
    _, version, _, tags = parse_wheel_filename(file)
    (tag,) = tags
    backend = version.local
    python = "{}.{}{}".format(*re.fullmatch(r"cp(\d)(\d+)(t?)", tag.abi).groups())
    launcher = f"py -{python}" if tag.platform.startswith("win") else f"python{python}"
    command = BUILD_COMMANDS.get(f"{backend}-{tag.platform}")
    index = f"{url}/whl/{backend}"
    return {
        "pip": f'{launcher} -m pip install --extra-index-url {index} "llama-cpp-python=={version}"',
        "uv-pip": f"uv venv --python {python}\n"
        f'uv pip install --index {index} "llama-cpp-python=={version}"',
        "uv-project": "[project]\n"
        f'dependencies = ["llama-cpp-python~={version.public}"]\n\n'
        "[tool.uv.sources]\n"
        "llama-cpp-python = [\n"
        f'  {{ index = "llama-{backend}" }},\n'
        "]\n\n"
        "[[tool.uv.index]]\n"
        f'name = "llama-{backend}"\n'
        f'url = "{index}"\n'
        "explicit = true",
        "uv-sync": f"uv sync --python {python}",
        **({"bazel": command.format(abi=tag.abi)} if command else {}),
    }


def test_each_cell_gives_its_lines(page: Page, url: str, site: Path) -> None:
    page.open(f"{url}/")
    page.evaluate(
        "document.querySelectorAll('details').forEach((details) => { details.open = true; })"
    )
    for file, entry in files_of_the_index(site).items():
        page.click(CELL.format(file))
        assert lines(page) == expected_lines(file, url)
        shown = page.evaluate(
            """({
              digest: document.getElementById('digest').textContent,
              download: decodeURIComponent(document.getElementById('download').href),
              pressed: [...document.querySelectorAll('[aria-pressed=true]')]
                .map((button) => JSON.parse(button.dataset.wheel).file),
              said: document.querySelector('[role=status][aria-live=polite]').textContent,
              choice: document.getElementById('choice').textContent,
            })"""
        )
        assert shown["digest"] == entry["hashes"]["sha256"]
        path = next(site.glob(f"whl/*/*/{file}"))
        assert shown["download"] == f"{url}/{path.relative_to(site)}"
        assert shown["pressed"] == [file]
        assert shown["said"] == f"Lines for {shown['choice']}"


def test_an_address_with_a_choice(page: Page, url: str, site: Path) -> None:
    file = next(site.glob("whl/cu13/*/*-0.3.100+cu13-*.whl")).name
    page.open(f"{url}/#{file}")
    assert lines(page) == expected_lines(file, url)
    page.open(f"{url}/index.html#no-such-wheel.whl")
    assert "cp315" in lines(page)["bazel"]


def test_keyboard_alone(page: Page, url: str, site: Path) -> None:
    page.open(f"{url}/")
    seen: list[str] = []
    for _ in range(60):
        page.press("Tab", 9)
        focus = page.evaluate(
            "({file: JSON.parse(document.activeElement.dataset.wheel || '{}').file,"
            " outline: getComputedStyle(document.activeElement).outlineStyle})"
        )
        file = focus.get("file")
        if file in seen:
            break
        if file:
            assert focus["outline"] != "none"
            seen.append(file)
            page.press("Enter", 13, "\r")
            assert lines(page) == expected_lines(file, url)
    # All of the newest version; the others are folded up.
    assert sorted(seen) == sorted(
        path.name for path in site.glob("whl/*/*/*.whl") if "-0.3.101+" in path.name
    )


def test_the_copy_button_copies(page: Page, url: str) -> None:
    page.open(f"{url}/")
    origin = "/".join(url.split("/")[:3])
    permissions = ["clipboardReadWrite", "clipboardSanitizedWrite"]
    page.call("Browser.grantPermissions", origin=origin, permissions=permissions)
    page.call("Page.bringToFront")
    page.call("Emulation.setFocusEmulationEnabled", enabled=True)
    for line, text in lines(page).items():
        page.click(f"document.querySelector('#{line} button')")
        page.evaluate("new Promise((done) => setTimeout(done, 100))")
        assert page.evaluate("navigator.clipboard.readText()") == text
        assert page.evaluate(f"document.querySelector('#{line} button').textContent") == "Copied"
        assert page.evaluate("document.getElementById('status').textContent") == "Copied"


def test_without_the_clipboard_the_text_is_selected(page: Page, url: str) -> None:
    page.open(f"{url}/")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.click("document.querySelector('#uv-project button')")
    page.evaluate("new Promise((done) => setTimeout(done, 100))")
    assert page.evaluate("getSelection().toString()").split() == lines(page)["uv-project"].split()
    assert page.evaluate("document.querySelector('#uv-project button').textContent") == "Selected"


def test_from_a_folder_on_disk(page: Page, site: Path) -> None:
    page.open((site / "index.html").as_uri())
    assert lines(page)["pip"].split()[5] == f"{site.as_uri()}/whl/cpu"


def test_nothing_else_is_loaded(page: Page, url: str) -> None:
    page.open(f"{url}/")
    requested = [
        event["params"]["request"]["url"]
        for event in page.events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert [address for address in requested if not address.startswith("data:")] == [f"{url}/"]
    assert not [event for event in page.events if event["method"] == "Runtime.exceptionThrown"]


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_width_makes_the_page_scroll_sideways(page: Page, url: str, width: int) -> None:
    page.call(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=800,
        deviceScaleFactor=1,
        mobile=width < 700,
    )
    page.open(f"{url}/")
    assert page.evaluate("innerWidth") == width
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # Nor is any text of a line cut off.
    assert page.evaluate(
        "[...document.querySelectorAll('pre')].every((pre) => pre.scrollWidth <= pre.clientWidth)"
    )
    page.call("Emulation.clearDeviceMetricsOverride")


CONTRAST = """
(() => {
  const rgb = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = rgb(getComputedStyle(e).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const ratio = (element) => {
    const colors = [rgb(getComputedStyle(element).color), behind(element)];
    const [a, b] = colors.map(light).sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  };
  const hasText = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  const texts = [...document.querySelectorAll('body *')]
    .filter((e) => e.offsetHeight && hasText(e));
  return {
    number: texts.length,
    least: Math.min(...texts.map(ratio)),
    page: light(rgb(getComputedStyle(document.body).backgroundColor)),
  };
})()
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_is_that_of_wcag_aa(page: Page, url: str, scheme: str) -> None:
    page.call(
        "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
    )
    page.open(f"{url}/")
    contrast = page.evaluate(CONTRAST)
    assert contrast["number"] > 30
    assert contrast["least"] >= 4.5
    assert (contrast["page"] > 0.5) == (scheme == "light")


def own_lines(page: Page, url: str, site: Path, backend: str) -> dict[str, str]:
    """Returns the page's lines for this interpreter's wheel of 0.3.101."""
    (wheel,) = site.glob(
        f"whl/{backend}/*/*-0.3.101+{backend}-*-{synthetic.ABI_TAG}-manylinux*.whl"
    )
    page.open(f"{url}/#{wheel.name}")
    return lines(page)


def test_the_pip_line_works(page: Page, url: str, site: Path, pip: Pip) -> None:
    for backend in ("cpu", "cu13", "cpu"):
        python, *command = shlex.split(own_lines(page, url, site, backend)["pip"])
        assert python.startswith("python3.") and command[:2] == ["-m", "pip"]
        pip(*command[2:], f"--index-url={url}/pypi")
        assert pip.installed() == f"0.3.101+{backend}"


def test_the_uv_pip_lines_work(page: Page, url: str, site: Path, uv: Uv) -> None:
    for backend in ("cpu", "cu13", "cpu"):
        install = own_lines(page, url, site, backend)["uv-pip"].splitlines()[1]
        program, *command = shlex.split(install)
        assert program == "uv"
        uv(*command)
        assert uv.installed() == f"0.3.101+{backend}"


def test_the_uv_project_lines_work(page: Page, url: str, site: Path, uv: Uv) -> None:
    for backend in ("cpu", "cu13", "cpu"):
        text = own_lines(page, url, site, backend)["uv-project"]
        head = '[project]\nname = "app"\nversion = "1.0"\n'
        uv.write_project(text.replace("[project]\n", head))
        uv("sync")
        assert uv.installed() == f"0.3.101+{backend}"
