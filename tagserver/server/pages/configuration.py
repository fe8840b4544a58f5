"""What the page Configuration shows, as plain data: what serves, the draft with its problems, and what publishing it
would change. Secrets that stand in a file are covered, and of `server.yaml` there are names of keys alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tagserver.config.covered import Covered
from tagserver.config.version import SERVER_FILE
from tagserver.config.yaml.problems import Problem, Problems
from tagserver.config.yaml.source import Map, Node, parse
from tagserver.explain.plan import Change, Effect, summary
from tagserver.publishing.comparison import Comparison, PublishedFiles
from tagserver.publishing.draft import Draft
from tagserver.publishing.serving import Configuration
from tagserver.publishing.store import Texts

MOST_LINES = 2000
"""Lines of one file that are shown, and of all of them twice as many."""
MOST_PROBLEMS = 200
MOST_CHANGES = 200
"""Changes, and effects, that are listed."""
MOST_FIELDS = 20
"""Fields of one of them."""
MOST_KEYS = 300
"""Names of keys of `server.yaml`."""


def serving(now: Configuration, listed: Mapping[str, Any], loaded: int, waits: str) -> dict[str, Any]:
    """What serves. `listed`: as `versions.json`; `loaded`: since when, in ms; `waits`: which settings count from the
    next start on, in a sentence."""
    number = now.serving.number
    entry: Mapping[str, Any] = next((one for one in listed["versions"] if one["number"] == number), {})
    return {
        "number": number,
        "version": now.container.version,
        **{name: entry.get(name) for name in ("published", "by", "note")},
        "loaded": loaded,
        "tags": len(now.container.tags),
        "destinations": len(now.container.destinations),
        "rolled_back": listed["rolled_back"],
        "conditions": now.notices,
        "awaits_a_start": waits,
        "reload": now.server.reload,
    }


def draft(compared: Comparison) -> dict[str, Any]:
    """The files of the folder with what is to be said of them. `publishable`: whether publishing would be refused."""
    made, covered = compared.draft, compared.covered
    problems = made.problems
    shown = [problem(one, covered) for one in problems[:MOST_PROBLEMS]]
    return {
        "differs": made.differs,
        "publishable": not made.refused,
        "problems": shown,
        "more_problems": max(0, len(problems) - MOST_PROBLEMS),
        "counts": {name: sum(one.severity == name for one in problems) for name in ("error", "pause", "warning")},
        "files": list(files(made.files.draft, covered, shown)),
        "server": _server(made, covered, shown),
    }


def problem(one: Problem, covered: Covered) -> dict[str, Any]:
    """A problem of the files, without the secrets that it may repeat."""
    return {**one.as_dict(), **{name: covered.text(getattr(one, name)) for name in ("path", "message", "hint")}}


def files(texts: Texts, covered: Covered, problems: Sequence[Mapping[str, Any]] = ()) -> Iterator[dict[str, Any]]:
    """Files as numbered lines, each with the problems that stand there. `left_out`: how many lines of a file are not
    shown, because it or all of them together are too long."""
    left = 2 * MOST_LINES
    for name, content in sorted(texts.items()):
        lines = covered.lines(name, content)
        room = min(MOST_LINES, left)
        at: dict[int, list[Mapping[str, Any]]] = {}
        for one in problems:
            if one["file"] == name:
                at.setdefault(min(one["line"], max(1, len(lines))), []).append(one)
        numbered = enumerate(lines[:room] or [""], 1)
        yield {
            "name": covered.text(name),
            "lines": [{"number": number, "text": text, "problems": at.get(number, [])} for number, text in numbered],
            "left_out": max(0, len(lines) - room),
        }
        left -= min(room, len(lines))


def _server(made: Draft, covered: Covered, problems: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """`server.yaml`: which keys it has, and how many of the problems are its. Values are operations' affair."""
    tree = parse(made.files.server, SERVER_FILE, Problems())
    keys = [covered.text(name) for name in dict.fromkeys(_keys(tree, ""))]
    return {
        "names": keys[:MOST_KEYS],
        "more_names": max(0, len(keys) - MOST_KEYS),
        "empty": not made.files.server.strip(),
        "problems": [one for one in problems if one["file"] == SERVER_FILE],
    }


def _keys(node: Node | None, path: str) -> Iterator[str]:
    """The names of the keys of a map and of the maps in it, as dotted paths."""
    for key, value in node.entries if isinstance(node, Map) else ():
        below = f"{path}.{key.text}".lstrip(".")[:200]
        if isinstance(value, Map) and value.entries:
            yield from _keys(value, below)
        else:
            yield below


def plan(compared: Comparison) -> dict[str, Any]:
    """What publishing the draft would change: by name, and for the events of the folder's test cases."""
    covered, effects = compared.covered, compared.effects
    return {
        **changes(compared.changes, covered),
        "cases": compared.cases,
        "summary": [covered.text(line) for line in summary(effects, compared.cases)],
        "effects": [_effect(one, covered) for one in effects[:MOST_CHANGES]],
        "more_effects": max(0, len(effects) - MOST_CHANGES),
    }


def changes(found: Sequence[Change], covered: Covered) -> dict[str, Any]:
    """What is new, gone or different, each with its fields."""
    shown = [{**one.as_dict(), "name": covered.text(one.name), **_fields(one, covered)} for one in found[:MOST_CHANGES]]
    return {"changes": shown, "more_changes": max(0, len(found) - MOST_CHANGES)}


def _effect(one: Effect, covered: Covered) -> dict[str, Any]:
    told: dict[str, Any] = covered.value(one.as_dict())
    return {**told, **_fields(one, covered)}


def _fields(one: Change | Effect, covered: Covered) -> dict[str, Any]:
    shown: list[dict[str, Any]] = []
    for field in one.fields[:MOST_FIELDS]:
        told = field.as_dict()
        for side in told.keys() & {"before", "after"}:
            told[side] = covered.value(told[side], field.path)
        shown.append({**told, "path": covered.text(field.path)})
    return {"fields": shown, "more_fields": max(0, len(one.fields) - MOST_FIELDS)}


def version(found: PublishedFiles, serves: int) -> dict[str, Any]:
    """One version: what it changed in the one before, and its files. `serves`: the number of the one that serves."""
    covered, one = found.covered, found.version
    return {
        "number": one.number,
        "version": one.version,
        "published": one.published,
        "by": one.by,
        "note": one.note,
        "serves": one.number == serves,
        "before": None if found.before is None else found.before.number,
        **changes(found.changes, covered),
        "differences": [
            {"file": covered.text(file.file), "lines": list(file.lines[:MOST_LINES]), "too_long": file.too_long}
            | {"left_out": max(0, len(file.lines) - MOST_LINES)}
            for file in found.files
        ],
        "files": list(files(found.texts, covered)),
    }
