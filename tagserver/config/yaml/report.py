"""What of all the problems is shown, and how.

Some only follow from others, and are not shown until their cause is gone. A file that cannot be read may define what is
unknown elsewhere, and use what nothing seems to use. So may a list where a map belongs, a key of a file that is not
known, and a tag that is wrong.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from tagserver.config.yaml.problems import LITERAL_SECRET, UNREAD, Problem, Severity
from tagserver.system.text import printable

PATIENCE = 50_000_000
"""Characters that are looked through in one run; after that a name counts as mentioned."""
_SHAPE = frozenset({"E101", "E103", "E104", "E110", "E111"})
"""Codes of what may hide a whole part of a file: it cannot be read, or is not what belongs there."""
_UNKNOWN = frozenset({"E112", "W304"})
_UNUSED = "W301"
_NOT_LISTED = "E202"
_PASTED = "W309"
_LACKING = "E113"
_NO_YAML = "E101"


def without_consequences(problems: Sequence[Problem], texts: Mapping[str, bytes]) -> tuple[Problem, ...]:
    """The problems but for those that others explain. `texts`: the files, by name."""
    problems = _once(problems)
    if not any(one.severity == "error" for one in problems):
        return tuple(problems)
    shown = {name: content.decode(errors="replace") for name, content in texts.items()}
    hidden = {one.place.file for one in problems if one.code in _SHAPE and "." not in one.path and "[" not in one.path}
    look = _Look(shown.values(), [text for name, text in shown.items() if name in hidden])
    return tuple(one for one in problems if not (one.about and _follows(one, look)))


def _once(problems: Sequence[Problem]) -> Sequence[Problem]:
    """Each mistake once: signs that somebody has pasted are the cause of what else is said of the same text, and a name
    that nothing uses is the one that somebody has misspelt. What a file lacks may be what could not be read of it."""
    hints = {one.hint for one in problems}
    pasted = {one.place: f"{one.message}: {one.hint}" for one in problems if one.code == _PASTED}
    wrong = {one.place for one in problems if one.severity == "error"} & pasted.keys()
    unread = {one.place.file for one in problems if one.code == _NO_YAML}
    kept = []
    for one in problems:
        if one.code == _LACKING and one.place.file in unread:
            continue
        if one.code == _UNUSED and f'did you mean "{one.about}"?' in hints:
            continue
        if one.severity == "warning" and one.place in (wrong if one.code == _PASTED else pasted):
            continue
        is_told = one.hint.startswith("did you mean") or one.place not in wrong
        kept.append(one if is_told else replace(one, hint="; ".join(filter(None, (one.hint, pasted[one.place])))))
    return kept


def _follows(problem: Problem, look: _Look) -> bool:
    if problem.code in _UNKNOWN:
        return look.may_define(problem.about)
    if problem.code == _UNUSED:
        return look.may_use(problem.about)
    return problem.code == _NOT_LISTED and look.may_list(problem.about)


class _Look:
    """Looks for names in `texts`; `hidden` are those of them of which nobody knows what they hold."""

    def __init__(self, texts: Collection[str], hidden: Sequence[str]) -> None:
        self._texts = list(texts)
        self._hidden = hidden
        self._patience = PATIENCE

    def may_define(self, name: str) -> bool:
        """Whether a hidden text may give something this name, or the beginning of it."""
        first = re.escape(name.partition(".")[0])
        return self._times(re.compile(rf"(?<![\w.-]){first}[\"']?[ ]*:"), self._hidden, 1)

    def may_use(self, name: str) -> bool:
        """Whether the name stands anywhere besides its definition, or may once a file is whole."""
        sought = re.escape(name)
        return bool(self._hidden) or self._times(re.compile(rf"(?<!\w)(?<!\w-){sought}(?![\w-])"), self._texts, 2)

    def may_list(self, name: str) -> bool:
        """Whether a hidden text names it at all."""
        return any(name in text for text in self._hidden)

    def _times(self, pattern: re.Pattern[str], texts: Sequence[str], enough: int) -> bool:
        for text in texts:
            self._patience -= len(text)
            if self._patience < 0:
                return True
            for _ in pattern.finditer(text):
                enough -= 1
                if enough == 0:
                    return True
        return False


_WORDS: Mapping[Severity, str] = {"error": "error", "pause": "paused", "warning": "warning"}
_COLORS: Mapping[Severity, str] = {"error": "31", "pause": "35", "warning": "33"}


def render(problems: Sequence[Problem], texts: Mapping[str, str], *, root: str = "", color: bool = False) -> str:
    """All problems as text for people.

    `texts`: the files' contents, for the lines that are shown. `root`: the folder they lie in, as the user named it, so
    that a terminal can open the place.
    """
    lines = {name: text.splitlines() for name, text in texts.items()}
    # What `check` prints ends up in logs: a line that holds a secret is not repeated, nor one that nobody has read.
    secret = {(one.place.file, one.place.line) for one in problems if one.code in (LITERAL_SECRET, UNREAD)}
    blocks = [
        _block(one, None if (one.place.file, one.place.line) in secret else lines.get(one.place.file), root, color)
        for one in problems
    ]
    # One destination stands still once, whatever number of its settings is missing.
    counted = {(_kind(one), _standing_still(one)) if one.severity == "pause" else (_kind(one), one) for one in problems}
    counts = Counter(kind for kind, _ in counted)
    summary = ", ".join(_counted(counts[kind], kind) for kind in _KINDS if counts[kind])
    files = len({problem.place.file for problem in problems})
    return "\n".join([*blocks, f"{summary} in {files} file{'s' if files != 1 else ''}. Nothing was changed."])


_KINDS = ("error", "destination", "source", "client", "token", "variable", "warning")
_STILL: Mapping[str, str] = {
    "destination": " paused",
    "source": " paused",
    "client": " paused",
    "token": " without a value",
    "variable": " without a value",
}
_OF = {"clients": "client", "collect": "source", "admin": "token", "variables": "variable"}


def _kind(problem: Problem) -> str:
    """What it is counted as; a pause by what stands still."""
    if problem.severity == "pause":
        return _OF.get(problem.path.partition(".")[0], "destination")
    return problem.severity


def _standing_still(problem: Problem) -> str:
    """What a pause is about: `destinations.meta`, `collect.keys.crm`, `clients.webhooks.shop`."""
    parts = problem.path.split(".")
    return ".".join(parts[: 3 if parts[0] in ("collect", "admin", "clients") else 2])


def _counted(number: int, kind: str) -> str:
    plural = "s" if number != 1 else ""
    return f"{number} {kind}{plural}" + _STILL.get(kind, "")


def _block(problem: Problem, text: Sequence[str] | None, root: str, color: bool) -> str:
    head = f"{_WORDS[problem.severity]}[{problem.code}]"
    if color:
        head = f"\x1b[1;{_COLORS[problem.severity]}m{head}\x1b[0m"
    place = problem.place
    file = f"{root.rstrip('/')}/{place.file}" if root else place.file
    lines = [f"  --> {file}:{place.line}:{place.column}"]
    source = text or []
    if 0 < place.line <= len(source):
        line = source[place.line - 1].replace("\t", " ")
        number = str(place.line)
        margin = " " * len(number)
        carets = "^" * max(1, min(place.length, len(line) - place.column + 1))
        lines += [
            f"{margin} |",
            f"{number} | {line}",
            f"{margin} | {' ' * (place.column - 1)}{carets}",
        ]
        if problem.hint:
            lines.append(f"{margin} = help: {problem.hint}")
    elif problem.hint:
        lines.append(f"  = help: {problem.hint}")
    # Files hold what people have copied together: it must not paint the terminal.
    return "\n".join([f"{head} {printable(problem.message)}", *map(printable, lines)]) + "\n"
