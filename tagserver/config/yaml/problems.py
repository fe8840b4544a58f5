"""One thing that is wrong with the configuration, and how it is shown to people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tagserver.config.yaml.line_mistakes import shown
from tagserver.config.yaml.suggestions import did_you_mean, glued
from tagserver.system.secret import SHORTEST

Severity = Literal["error", "pause", "warning"]
"""`error`: the configuration cannot be used. `pause`: it can, but one destination stands still. `warning`: it
works."""

CODES: Mapping[str, str] = {
    "E101": "the file is not YAML as we take it",
    "E102": "a key stands twice",
    "E103": "a YAML feature that is not taken: tags, several documents, too many aliases, too deep",
    "E104": "the file cannot be read: missing, too large, not UTF-8",
    "E110": "a key that is not known here",
    "E111": "a value of the wrong type",
    "E112": "a name that nothing has",
    "E113": "a key that is needed is missing",
    "E114": "one name is used twice",
    "E115": "a value that is not allowed",
    "E116": "braces without quotes",
    "E120": "a regular expression that is not taken",
    "E121": "a template that cannot be read",
    "E122": "variables that need each other in a circle",
    "E123": "a name that is reserved",
    "E130": "a consent rule that cannot hold",
    "E140": "a destination that cannot be set up",
    "E141": "an address that may not be called",
    "E201": "a secret written into the file",
    "E202": "a variable of the environment that may not be read here",
    "P210": "a variable or file that holds a secret is missing: the destination is paused, the client answers 503",
    "P211": "a plugin that could not be loaded: its destination is paused, its variable has no value, "
    "its client takes nothing",
    "W301": "something that nothing uses",
    "W302": "two tags that would send the same event",
    "W303": "every web page may post",
    "W304": "a path that looks like a misspelt name, or stands as a text where its value is meant",
    "W305": "a version of a vendor's API that ends soon, or has ended",
    "W306": "a comparison with the text undefined, which a missing value is",
    "W307": "a variable of the environment that is not set: nothing stands in its place",
    "W308": "a database of regions that cannot be used: where visitors are stays unknown",
    "W309": "typographic quotes, or a sign that nobody sees: part of the text, where it can hardly be meant",
    "W310": "a file that is not read",
    "W311": "an address that is not public, which is never called",
    "W312": "a comparison that never holds",
    "W313": "an event's name that nearly is a known one",
    "W314": "a vendor's event name that nearly is a standard one",
    "W315": "a plugin that is not used: its type is tagserver's own",
    "W316": "one name of two senders",
    "W317": "copies of one order that several senders tell of, and that count each for itself",
}
"""Every code and its meaning. `E` is an error, `P` pauses one destination, `W` warns."""

FAILED_CASE, WIDENED, NARROWER = "T401", "L501", "L502"
LATER_CODES: Mapping[str, str] = {
    FAILED_CASE: "a case of the tests that fails, where `reload: require_tests` is set",
    WIDENED: "more could leave than the privacy lock allows",
    NARROWER: "less can leave than the privacy lock allows",
}
"""Codes of what is found in a configuration that is sound otherwise."""

LITERAL_SECRET = "E201"  # noqa: S105 (a code)
UNREAD = "W310"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where in the configuration: file as the user named it, line and column from 1, and how many characters."""

    file: str
    line: int
    column: int
    length: int = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """One diagnostic. `code` is stable (`E112`), `path` the keys that lead there, `hint` the fix as a sentence or
    ""."""

    severity: Severity
    code: str
    place: Place
    path: str
    message: str
    hint: str = ""
    about: str = ""
    """The name that it turns on, if that is what is wrong."""

    @property
    def destination(self) -> str:
        """The destination that it is about, if it is about one."""
        parts = self.path.split(".")
        return parts[1] if len(parts) > 1 and parts[0] == "destinations" else ""

    def as_dict(self) -> dict[str, Any]:
        """The problem for machines."""
        return {
            "severity": self.severity,
            "code": self.code,
            "file": self.place.file,
            "line": self.place.line,
            "column": self.place.column,
            "path": self.path,
            "message": self.message,
            "hint": self.hint,
        }


PATIENCE = 300_000
"""How many names are compared with others for hints in one run: a file with thousands of misspelt ones is answered in
seconds, too."""


SHORTEST_HIDDEN = 4
_ADDRESS = re.compile(r"[A-Za-z][\w+.-]*://(?:([^/@\s]*)@)?([^/?#\s]*)")
"""Scheme, what stands before the @, and host."""


class Problems:
    """Collects what is found while a configuration is read: all of it, in one run."""

    def __init__(self) -> None:
        self._found: list[Problem] = []
        self._patience = PATIENCE
        self._hidden: dict[str, str] = {}
        self._meant: set[tuple[str, str]] = set()

    def hide(self, value: str, shown: str) -> None:
        """What came from outside of the files stands in no message from now on, nor do the parts of an address that may
        hold a password: `shown` stands in its place. One of three characters or fewer is in too many words."""
        parts = _ADDRESS.match(value)
        for text in (value, *(parts.groups() if parts else ())):
            if text and len(text) >= SHORTEST_HIDDEN:
                self._hidden.setdefault(text.lower(), shown)

    def _told(self, text: str) -> str:
        """The text without anything hidden, the longest first; a short one only where it is a word."""
        for value in sorted(self._hidden, key=len, reverse=True):
            if value in text.lower():
                shown, sought = self._hidden[value], re.escape(value)
                sought = sought if len(value) >= SHORTEST else rf"(?<!\w){sought}(?!\w)"
                text = re.sub(sought, shown.replace("\\", r"\\"), text, flags=re.IGNORECASE)
        return text

    def add(self, code: str, place: Place, path: str, message: str, hint: str = "", about: str = "") -> None:
        """Note one. The code's letter gives the severity; `about` is the name that it turns on."""
        severity: Severity = {"E": "error", "P": "pause", "W": "warning"}[code[0]]  # type: ignore[assignment]  # (words of Severity)
        if self._hidden:
            message, hint = self._told(message), self._told(hint)
        self._found.append(Problem(severity, code, place, path, shown(message), shown(hint), about))

    def did_you_mean(self, word: str, known: Iterable[str]) -> str:
        """As `did_you_mean`, as long as there is patience for it."""
        words = list(known)
        return did_you_mean(word, words) if self.has_patience(len(words)) else ""

    def mean(self, path: str, word: str, known: Iterable[str]) -> str:
        """As `did_you_mean`, of an unknown key: whoever misses the key that is meant need not say so again."""
        words = list(known)
        hint, meant = glued(word, words) or (self.did_you_mean(word, words), None)
        self._meant |= {(path, key) for key in words if key == meant or hint == f'did you mean "{key}"?'}
        return hint

    def is_meant(self, path: str, key: str) -> bool:
        """Whether an unknown key of a map is this one, misspelt."""
        return (path, key) in self._meant

    def has_patience(self, number: int) -> bool:
        """Whether so many more names may be compared with one."""
        self._patience -= number
        return self._patience > 0

    def sorted(self) -> tuple[Problem, ...]:
        """All of them, in the order of the files."""
        return tuple(sorted(self._found, key=lambda problem: (problem.place, problem.code, problem.message)))

    @property
    def errors(self) -> int:
        """How many errors there are so far: whoever reads a part sees by it whether that is sound."""
        return sum(problem.severity == "error" for problem in self._found)

    @property
    def fatal(self) -> bool:
        """Whether one of them is an error."""
        return any(problem.severity == "error" for problem in self._found)
