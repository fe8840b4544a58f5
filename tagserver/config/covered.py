"""A configuration's files as text that may be shown: what is a secret in them, or may be one, is covered.

Secrets belong into the environment, and `check` refuses one that stands in a file. It stands there all the same until
somebody takes it out, and in older versions for good. So covered is: the value of every setting that a plugin declares
secret, of every setting of a plugin that is not installed, and of every key whose name speaks of a secret, unless it is
a reference (`${env:NAME}`) or a template; the same texts wherever else they stand, comments and messages too; and what
has the form of a known token.
"""

from __future__ import annotations

import re
import typing
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Map, Node, Scalar, Sequence, parse
from tagserver.logs.logs import without_tokens
from tagserver.plugin.registry import Registry
from tagserver.system.secret import SHORTEST, Secret
from tagserver.system.text import printable

COVER = "••••"
MOST_SOUGHT = 1000
"""Covered texts that are looked for elsewhere, too."""
LONGEST_LINE = 400
"""Characters of a line that are shown."""

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_NAME = re.compile(r"[\w.-]{1,60}")
_REFERENCE = re.compile(r"\$\{(?:env|file):[^}]*\}")
_LOGIN = re.compile(r"(?<=://)[^/@\s]{1,200}@")
_SECRETS = frozenset(
    {
        *("token", "tokens", "secret", "secrets", "password", "passwords", "passwd", "pwd", "passphrase"),
        *("authorization", "credential", "credentials", "apikey", "bearer"),
    }
)
_KEYS = frozenset({"api", "access", "private", "secret", "signing", "encryption"})
"""What a `key` is of that is a secret."""


def speaks_of_secret(name: str) -> bool:
    """Whether the name of a key says that its value is a secret: `access_token`, `apiKey`, `X-Auth-Token`."""
    words = [word.lower() for word in _WORDS.findall(name[:100])]
    pairs = pairwise(words)
    return not _SECRETS.isdisjoint(words) or any(one in _KEYS and other in ("key", "keys") for one, other in pairs)


@dataclass(frozen=True, slots=True, order=True)
class _Span:
    """Characters of a file, from line and column (both from 0) to line and column."""

    line: int
    column: int
    end_line: int
    end: int


class Covered:
    """Shows texts of some configurations. `folders`: all files whose secrets may stand in what is shown."""

    def __init__(self, registry: Registry, *folders: Mapping[str, bytes]) -> None:
        self._registry = registry
        known = registry.destinations.values()
        self._names = frozenset(name for one in known for name in _secret_settings(one.Settings))
        self._spans: dict[tuple[str, bytes], list[_Span] | None] = {}
        self._literals: set[str] = set()
        for folder in folders:
            for name, content in folder.items():
                self._look(name, content)
        self._by_length = sorted(self._literals, key=len, reverse=True)[:MOST_SOUGHT]

    def text(self, text: str) -> str:
        """A text that may repeat what stands in the files, such as a message or a name."""
        for literal in self._by_length:
            text = text.replace(literal, COVER)
        return without_tokens(text)

    def value(self, value: Any, name: str = "") -> Any:
        """Plain data, its texts as `text` shows them; covered whole under a `name` that speaks of a secret."""
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(one, str(key)) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(one, name) for one in value]
        if isinstance(value, str):
            return COVER if self._is_secret(name.rpartition(".")[2]) and not _is_open(value) else self.text(value)
        return value

    def lines(self, name: str, content: bytes) -> list[str]:
        """The lines of a file, each safe to show and of bounded length."""
        spans = self._look(name, content)
        lines = content.decode("utf-8-sig", "replace").splitlines()
        if spans is None:
            lines = list(self._netted(lines))
        else:
            lines = [self._commented(line) for line in _without(lines, spans)]
        text = self.text(_LOGIN.sub(f"{COVER}@", "\n".join(lines)))  # at once: there may be many texts to look for
        return [_cut(printable(line)) for line in text.split("\n")] if lines else []

    # ── where the secrets are

    def _look(self, name: str, content: bytes) -> list[_Span] | None:
        """What is covered in a file; None for one that cannot be read as YAML."""
        key = name, content
        if key not in self._spans:
            problems = Problems()
            tree = parse(content, name, problems)
            if tree is None and problems.fatal:
                self._spans[key] = None
            else:
                found = dict.fromkeys(self._of_file(tree))
                self._literals |= {line for node in found for line in _parts(node)}
                starts = sorted(_starts(tree))
                self._spans[key] = sorted({_span(node, starts) for node in found})
        return self._spans[key]

    def _of_file(self, tree: Node | None) -> Iterator[Scalar]:
        """The values of a file that are covered."""
        for key, value in tree.entries if isinstance(tree, Map) else ():
            if key.text == "destinations" and isinstance(value, Map):
                for _, entry in value.entries:
                    yield from self._of_destination(entry)
            else:
                yield from self._of_entry(key, value)

    def _of_destination(self, entry: Node) -> Iterator[Scalar]:
        known = self._settings(entry) if isinstance(entry, Map) else None
        for key, value in entry.entries if isinstance(entry, Map) else ():
            if key.text in ("type", "aliases"):
                continue
            if known is None or key.text in known:
                yield from _leaves(value)
            else:
                yield from self._of_entry(key, value)

    def _of_entry(self, key: Scalar, value: Node) -> Iterator[Scalar]:
        """Of a key that means no setting: what its name says is secret, also further in. A map is none itself: a
        trigger may be called `password reset`."""
        if self._is_secret(key.text) and not isinstance(value, Map):
            yield from _leaves(value)
            return
        for one in value.items if isinstance(value, Sequence) else (value,):
            for inner, below in one.entries if isinstance(one, Map) else ():
                yield from self._of_entry(inner, below)

    def _settings(self, entry: Map) -> frozenset[str] | None:
        """The secret settings of an entry under `destinations`; None where nobody knows which those are."""
        kind = entry.get("type")
        known = self._registry.destinations.get(kind.text) if isinstance(kind, Scalar) else None
        return None if known is None else _secret_settings(known.Settings)

    def _is_secret(self, name: str) -> bool:
        return name in self._names or speaks_of_secret(name)

    # ── a net for what no tree tells

    def _commented(self, line: str) -> str:
        """A line of a file that was read: its comment may hold a setting that somebody has taken out."""
        at = 0 if line.lstrip().startswith("#") else line.find(" #")
        if at < 0:
            return self._behind_names(line, "=")
        return self._behind_names(line[:at], "=") + self._behind_names(line[at:], ":=")

    def _netted(self, lines: list[str]) -> Iterator[str]:
        """Lines of a file that is no YAML: what stands behind a name that speaks of a secret, also further in."""
        deeper: int | None = None
        for line in lines:
            indent = len(line) - len(line.lstrip())
            if deeper is not None and line.strip() and indent <= deeper:
                deeper = None
            if deeper is not None:
                yield line[:indent] + (COVER if line.strip() else "")
                continue
            name, colon, value = line.strip().removeprefix("- ").partition(":")
            if colon and self._is_secret(name.strip("\"' ")) and value.strip()[:1] in ("", "|", ">", "&", "["):
                deeper = indent
            yield self._behind_names(line, ":=")

    def _behind_names(self, text: str, signs: Collection[str]) -> str:
        """The text up to the first value of a name that speaks of a secret; what comes behind that is covered."""
        for at, sign in enumerate(text):
            if sign not in signs:
                continue
            name = _NAME.match(text[max(0, at - 64) : at].rstrip(" \t\"'")[::-1])
            value = text[at + 1 :].strip()
            if name is not None and value and self._is_secret(name[0][::-1]) and not _is_open(value.strip("\"',")):
                return f"{text[: at + 1]} {COVER}"
        return text


def _secret_settings(settings: type) -> frozenset[str]:
    """The fields of a Settings dataclass that are secret."""
    hints = typing.get_type_hints(settings)
    return frozenset(name for name, hint in hints.items() if hint is Secret or Secret in typing.get_args(hint))


def _is_open(text: str) -> bool:
    """Whether a value holds no secret itself: a whole reference or template."""
    return _REFERENCE.fullmatch(text) is not None or (text.startswith("{{") and text.endswith("}}"))


def _leaves(node: Node) -> Iterator[Scalar]:
    """The texts and numbers of a value that may be secret."""
    match node:
        case Map():
            for _, value in node.entries:
                yield from _leaves(value)
        case Sequence():
            for item in node.items:
                yield from _leaves(item)
        case Scalar(value=None) | Scalar(value=bool()):
            return
        case Scalar():
            if not _is_open(node.text):
                yield node


def _parts(node: Scalar) -> Iterator[str]:
    """The texts by which a covered value is known elsewhere; a short one stands anywhere by chance."""
    for line in {node.text, *node.text.splitlines()}:
        if len(line.strip()) >= SHORTEST:
            yield line.strip()


def _starts(node: Node | None) -> Iterator[tuple[int, int]]:
    """Where everything in a tree begins: line and column, both from 0."""
    if node is None:
        return
    yield node.place.line - 1, node.place.column - 1
    inner = [one for entry in node.entries for one in entry] if isinstance(node, Map) else ()
    for one in inner or (node.items if isinstance(node, Sequence) else ()):
        yield from _starts(one)


def _span(node: Scalar, starts: list[tuple[int, int]]) -> _Span:
    """What a value takes up. One of several lines ends before whatever begins next."""
    line, column = node.place.line - 1, node.place.column - 1
    if node.place.length > 1 or len(node.text) <= 1:
        return _Span(line, column, line, column + node.place.length)
    after = bisect_right(starts, (line, column))
    return _Span(line, column, *(starts[after] if after < len(starts) else (1 << 30, 0)))


def _without(lines: list[str], spans: list[_Span]) -> list[str]:
    """The lines with what is covered replaced; from the end on, so that columns stay what they are."""
    shown = list(lines)
    for span in reversed(spans):
        if span.line >= len(shown):
            continue
        if span.end_line == span.line:
            shown[span.line] = shown[span.line][: span.column] + COVER + shown[span.line][span.end :]
            continue
        shown[span.line] = shown[span.line][: span.column] + COVER
        for number in range(span.line + 1, min(span.end_line, len(shown))):
            shown[number] = COVER if shown[number].strip() else ""
        if span.end_line < len(shown):
            shown[span.end_line] = " " * span.end + shown[span.end_line][span.end :]
    return shown


def _cut(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…"
