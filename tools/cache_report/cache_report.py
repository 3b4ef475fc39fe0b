"""Reports executed actions, cache hits, and why actions ran again. Standard library only.

    bazel build --execution_log_json_file=/tmp/first.json //...
    (change something)
    bazel build --execution_log_json_file=/tmp/second.json //...
    bazel run //tools:cache_report -- /tmp/first.json /tmp/second.json --svg /tmp/report.svg

With one log: a table by kind of action. With two: also why the keys of the actions that the second
build ran differ.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import critical_path
import key_differences
import picture
import wording
from actions import Action, Shared, read
from critical_path import ProfileError
from execution_log import LogError
from key_differences import Cause
from summary import Row, Summary, summarize

# More lines than that are for machines.
_CAUSES = 30


def table(summary: Summary) -> str:
    """Returns a build as a table, one line for each kind of action."""
    with_path = summary.total.critical_seconds is not None
    header = ["action", *summary.outcomes, "output MB", "wall s"]
    header += ["critical path s"] * with_path
    lines = [header]
    for name, row in [*summary.rows.items(), ("all", summary.total)]:
        lines.append([name, *_cells(row, summary.outcomes, with_path)])
    widths = [max(map(len, column)) for column in zip(*lines)]
    text = [summary.name]
    for first, *rest in lines:
        numbers = (cell.rjust(width) for cell, width in zip(rest, widths[1:]))
        text.append("  ".join([first.ljust(widths[0]), *numbers]))
    if summary.runners:
        runners = ", ".join(f"{name} {count}" for name, count in summary.runners.most_common())
        text.append(f"Executed by: {runners}.")
    return "\n".join(text)


def _cells(row: Row, outcomes: list[str], with_path: bool) -> list[str]:
    cells = [str(row.outcomes[outcome]) for outcome in outcomes]
    cells += [f"{row.output_bytes / 1e6:.1f}", f"{row.wall_seconds:.1f}"]
    if with_path:
        cells.append(f"{row.critical_seconds or 0.0:.1f}")
    return cells


def why(causes: list[Cause]) -> str:
    """Returns why actions ran again, one line and an example for each cause."""
    if not causes:
        return "No action of the second build ran again."
    lines = ["Why actions of the second build ran (hit: the key changed too, but a cache knew it):"]
    lines.append(f"{'ran':>6}{'hit':>6}  cause")
    for cause in causes[:_CAUSES]:
        actions = cause.actions + cause.hits
        lines.append(f"{len(cause.actions):>6}{len(cause.hits):>6}  {wording.sentence(cause)}")
        lines.append(f"{'':14}{wording.counts(actions)}; for example {_name(actions[0])}")
    if len(causes) > _CAUSES:
        lines.append(f"and {len(causes) - _CAUSES} more causes, which --format=json lists")
    return "\n".join(lines)


def _name(action: Action) -> str:
    output = f" ({action.outputs[0]})" if action.outputs else ""
    return f"{action.label or action.mnemonic}{output}"


def as_json(summaries: list[Summary], causes: list[Cause] | None) -> dict[str, Any]:
    """Returns everything, for machines."""
    result: dict[str, Any] = {"logs": [_summary_json(summary) for summary in summaries]}
    if causes is not None:
        result["causes"] = [_cause_json(cause) for cause in causes]
    return result


def _summary_json(summary: Summary) -> dict[str, Any]:
    return {
        "file": summary.name,
        "actions": {
            name: {**vars(row), "outcomes": dict(row.outcomes)}
            for name, row in summary.rows.items()
        },
        "executed_by": dict(summary.runners),
    }


def _cause_json(cause: Cause) -> dict[str, Any]:
    return {
        "kind": cause.kind,
        "text": wording.sentence(cause),
        "changes": [
            {"name": change.name, "before": change.before, "after": change.after}
            for change in cause.changes
        ],
        "ran": list(map(_action_json, cause.actions)),
        "hits": list(map(_action_json, cause.hits)),
    }


def _action_json(action: Action) -> dict[str, Any]:
    return {"mnemonic": action.mnemonic, "label": action.label, "outputs": action.outputs}


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="cache_report",
        description="Says what a build executed, what caches had, and why actions ran again.",
    )
    parser.add_argument(
        "log", type=_path, help="what --execution_log_json_file=FILE of a build wrote"
    )
    parser.add_argument(
        "second", type=_path, nargs="?", help="the log of a later build: why did its actions run?"
    )
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="(default: %(default)s)"
    )
    parser.add_argument(
        "--profile",
        type=_path,
        metavar="FILE",
        help="profile that --profile=FILE of the same build (of two: the later one) wrote; "
        "adds the critical path",
    )
    parser.add_argument("--svg", type=_path, metavar="FILE", help="also draw a picture")
    return parser.parse_args(arguments)


def _path(text: str) -> Path:
    # `bazel run` starts programs elsewhere.
    return Path(os.environ.get("BUILD_WORKING_DIRECTORY", ""), text)


def _report(arguments: argparse.Namespace) -> str:
    shared = Shared()
    critical = critical_path.seconds(arguments.profile) if arguments.profile else None
    if arguments.second:
        first, second = (
            list(read(log, shared, inputs=True)) for log in (arguments.log, arguments.second)
        )
        summaries = [
            summarize(str(arguments.log), first),
            summarize(str(arguments.second), second, critical),
        ]
        causes = key_differences.causes(first, second, shared)
    else:
        actions = read(arguments.log, shared, inputs=False)
        summaries = [summarize(str(arguments.log), actions, critical)]
        causes = None
    if arguments.svg:
        arguments.svg.write_text(picture.svg(summaries, causes or []), encoding="utf-8")
    if arguments.format == "json":
        return json.dumps(as_json(summaries, causes), indent=2)
    parts = list(map(table, summaries))
    if causes is not None:
        parts.append(why(causes))
    return "\n\n".join(parts)


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code."""
    try:
        print(_report(_parse(arguments)))
    except (LogError, ProfileError) as error:
        print(f"cache_report: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"cache_report: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
