"""A picture of one or two builds: bars by kind of action, and why actions ran again."""

from __future__ import annotations

import os
from xml.sax.saxutils import escape, quoteattr

import wording
from actions import EXECUTED
from key_differences import Cause
from summary import Row, Summary

# All lengths are in pixels. The font is the reader's, so a character is taken to be a wide one.
_WIDTH = 960
_MARGIN = 24
_CHARACTER = 7.6
_LABEL = 190
_BAR = 18
_LINE = 20
_BARS = _WIDTH - 2 * _MARGIN - _LABEL

_MOST_ROWS = 16
_MOST_CAUSES = 8

# Class of a bar, by the outcome of the actions.
_CLASSES = {EXECUTED: "ran", "disk cache hit": "disk", "remote cache hit": "remote"}
_OTHER_CLASS = "other"

_STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.page { fill: #ffffff }
.title { font-weight: 600; font-size: 16px }
.quiet { fill: #59636e }
.count { font-weight: 600; text-anchor: end }
.number { text-anchor: middle; fill: #ffffff }
.ran { fill: #bc4c00 } .disk { fill: #0969da } .remote { fill: #1a7f37 } .other { fill: #8250df }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .page { fill: #0d1117 }
  .quiet { fill: #9198a1 }
  .number { fill: #0d1117 }
  .ran { fill: #f0883e } .disk { fill: #58a6ff } .remote { fill: #3fb950 } .other { fill: #bc8cff }
}"""


class _Canvas:
    """Elements from top to bottom; `y` is where the next one goes."""

    def __init__(self) -> None:
        self.y = _MARGIN
        self._elements: list[str] = []

    def text(self, x: float, content: str, style: str = "", width: float = _WIDTH) -> None:
        """Writes one line, and as much of it as there is room for."""
        room = int(min(width, _WIDTH - _MARGIN - x) / _CHARACTER)
        shown = content if len(content) <= room else f"{content[: room - 3]}..."
        attribute = f" class={quoteattr(style)}" if style else ""
        self._elements.append(
            f'<text x="{x:g}" y="{self.y + 14:g}"{attribute}>{_escaped(shown)}</text>'
        )

    def rectangle(self, x: float, width: float, style: str, hint: str = "") -> None:
        """Draws a bar as high as a line."""
        self._elements.append(
            f'<rect x="{x:.1f}" y="{self.y:g}" width="{width:.1f}" height="{_BAR}" rx="2" '
            f'class="{style}"><title>{_escaped(hint)}</title></rect>'
        )

    def document(self, description: str) -> str:
        """Returns the picture."""
        height = self.y + _MARGIN
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
                f'width="{_WIDTH}" height="{height}" role="img">',
                f"<title>{_escaped(description)}</title>",
                f"<style>\n{_STYLE}\n</style>",
                f'<rect width="{_WIDTH}" height="{height}" class="page"/>',
                *self._elements,
                "</svg>\n",
            ]
        )


def svg(summaries: list[Summary], causes: list[Cause]) -> str:
    """Returns a picture of builds, and of why actions of the second one ran."""
    canvas = _Canvas()
    ran = [summary.total.outcomes[EXECUTED] for summary in summaries]
    all_actions = [sum(summary.total.outcomes.values()) for summary in summaries]
    title = "; then ".join(f"{one} of {every} actions ran" for one, every in zip(ran, all_actions))
    canvas.text(_MARGIN, title, "title")
    canvas.y += 28
    _files(canvas, summaries)
    _legend(canvas, summaries)
    _bars(canvas, summaries)
    if len(summaries) > 1:
        _causes(canvas, causes)
    return canvas.document(title)


def _files(canvas: _Canvas, summaries: list[Summary]) -> None:
    names = [os.path.basename(summary.name) for summary in summaries]
    text = names[0] if len(names) == 1 else f"upper bars: {names[0]}; lower bars: {names[1]}"
    canvas.text(_MARGIN, text, "quiet")
    canvas.y += _LINE + 4


def _legend(canvas: _Canvas, summaries: list[Summary]) -> None:
    x = _MARGIN
    for outcome in dict.fromkeys(name for summary in summaries for name in summary.outcomes):
        if not any(summary.total.outcomes[outcome] for summary in summaries):
            continue
        canvas.rectangle(x, _BAR, _class(outcome), outcome)
        canvas.text(x + _BAR + 6, outcome)
        x += _BAR + 6 + len(outcome) * _CHARACTER + 20
    canvas.y += _LINE + 12


def _bars(canvas: _Canvas, summaries: list[Summary]) -> None:
    names = list(dict.fromkeys(name for summary in summaries for name in summary.rows))
    count = {
        name: max(sum(_row(summary, name).outcomes.values()) for summary in summaries)
        for name in names
    }
    names = sorted((name for name in names if count[name]), key=lambda name: -count[name])
    most = max(count.values(), default=0)
    for name in names[:_MOST_ROWS]:
        canvas.text(_MARGIN, name, width=_LABEL - 8)
        for summary in summaries:
            _bar(canvas, summary, name, most)
            canvas.y += _BAR + 2
        canvas.y += 6
    if len(names) > _MOST_ROWS:
        canvas.text(_MARGIN, f"and {len(names) - _MOST_ROWS} more kinds of actions", "quiet")
        canvas.y += _LINE


def _bar(canvas: _Canvas, summary: Summary, name: str, most: int) -> None:
    outcomes = _row(summary, name).outcomes
    shown = [(outcome, outcomes[outcome]) for outcome in summary.outcomes if outcomes[outcome]]
    # A part is at least as wide as its number; the width lost to that is the same for all bars.
    least = {outcome: len(str(number)) * _CHARACTER + 8 for outcome, number in shown}
    scale = (_BARS - 4 * (len(str(most)) * _CHARACTER + 8)) / most
    x = float(_MARGIN + _LABEL)
    if not shown:
        canvas.text(x, "0", "quiet")
    for outcome, number in shown:
        width = max(number * scale, least[outcome])
        canvas.rectangle(x, width, _class(outcome), f"{name}: {number} {outcome}")
        canvas.text(x + width / 2, str(number), "number")
        x += width + 1


def _causes(canvas: _Canvas, causes: list[Cause]) -> None:
    canvas.y += 12
    canvas.text(_MARGIN, "Why actions of the second build ran", "title")
    canvas.y += 28
    x = _MARGIN + 64
    for cause in causes[:_MOST_CAUSES]:
        canvas.text(_MARGIN + 48, str(len(cause.actions)), "count")
        canvas.text(x, wording.sentence(cause))
        canvas.y += _LINE
        hits = f"; {len(cause.hits)} of them were in a cache" if cause.hits else ""
        canvas.text(x, wording.counts(cause.actions + cause.hits) + hits, "quiet")
        canvas.y += _LINE + 4
    if len(causes) > _MOST_CAUSES:
        canvas.text(x, f"and {len(causes) - _MOST_CAUSES} more causes", "quiet")
        canvas.y += _LINE
    if not causes:
        canvas.text(x, "none ran", "quiet")
        canvas.y += _LINE


def _row(summary: Summary, name: str) -> Row:
    return summary.rows.get(name) or Row()


def _class(outcome: str) -> str:
    return _CLASSES.get(outcome, _OTHER_CLASS)


def _escaped(text: str) -> str:
    return escape("".join(letter if letter.isprintable() else " " for letter in text))
