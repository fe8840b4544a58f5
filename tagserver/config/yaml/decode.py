"""From nodes to plain values, with a problem for everything that is not as it should be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from tagserver.config.yaml.mistakes import shape, slip
from tagserver.config.yaml.problems import Place, Problems
from tagserver.config.yaml.source import Map, Node, Scalar, Sequence
from tagserver.event.spelling import nfc

_DURATION = re.compile(r"(\d{1,12})(ms|s|m|h|d)\Z")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"(\d{1,15})(B|KiB|MiB|GiB|TiB)?\Z")
_BYTES = {None: 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}


def kind(node: Node) -> str:
    """What a node is, in words."""
    match node:
        case Map():
            return "a map"
        case Sequence():
            return "a list"
        case Scalar(value=None):
            return "nothing"
        case Scalar(value=bool()):
            return "true or false"
        case Scalar(value=int() | float()):
            return "a number"
    return "text"


class Decoder:
    """Reads typed values from nodes. A method that finds something else notes a problem and gives None (or its
    default)."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems

    def wrong(self, node: Node, path: str, wanted: str, hint: str = "") -> None:
        """Note that a value has the wrong type."""
        message = f"{path or 'the file'} should be {wanted}, and is {kind(node)}"
        if not hint.startswith("write "):
            hint = "; ".join(filter(None, (shape(node, wanted), hint)))
        self.problems.add("E111", node.place, path, message, slip(node, wanted) or hint)

    def map(self, node: Node | None, path: str, known: Iterable[str] | None = None) -> dict[str, tuple[Scalar, Node]]:
        """The entries of a map; with `known`, any other key is a problem. An absent or empty node is an empty map."""
        if node is None or (isinstance(node, Scalar) and node.value is None):
            return {}
        names = list(known) if known is not None else None
        if not isinstance(node, Map):
            self.wrong(node, path, "a map", f"its keys are {', '.join(names)}" if names else "")
            return {}
        entries: dict[str, tuple[Scalar, Node]] = {}
        for key, value in node.entries:
            if names is not None and key.text not in names:
                message = f'unknown key "{key.text}"' + (f" in {path}" if path else "")
                hint = self.problems.mean(path, key.text, names)
                hint = hint or f"known are {', '.join(names)}"
                self.problems.add("E110", key.place, f"{path}.{key.text}".lstrip("."), message, hint)
            else:
                entries[key.text] = (key, value)
        return entries

    def list(self, node: Node | None, path: str) -> Iterator[tuple[Node, str]]:
        """The items of a list, each with its path."""
        if node is None or (isinstance(node, Scalar) and node.value is None):
            return
        if not isinstance(node, Sequence):
            alone = isinstance(node, Scalar) and isinstance(node.value, str) and len(node.value) <= 40
            self.wrong(node, path, "a list", _as_list(node.text) if alone and isinstance(node, Scalar) else "")
            return
        for index, item in enumerate(node.items):
            yield item, f"{path}[{index}]"

    def text(self, node: Node | None, path: str) -> str | None:
        """Text; a number or true and false as they were written."""
        if node is None:
            return None
        if not isinstance(node, Scalar) or node.value is None:
            self.wrong(node, path, "text")
            return None
        return node.text

    def filled(self, node: Node | None, path: str) -> str | None:
        """Text with its `${…}` filled in, where a decoder can do that; here as it is written."""
        return self.text(node, path)

    def name(self, node: Node | None, path: str) -> str | None:
        """Text that names something, in the form in which names are compared."""
        text = self.text(node, path)
        return None if text is None else nfc(text)

    def texts(self, node: Node | None, path: str) -> tuple[str, ...]:
        """A list of texts; a lone text counts as a list of one."""
        if isinstance(node, Scalar) and node.value is not None:
            return (node.text,)
        found = (self.text(item, where) for item, where in self.list(node, path))
        return tuple(text for text in found if text is not None)

    def flag(self, node: Node | None, path: str, default: bool = False) -> bool:
        """true or false."""
        if node is None:
            return default
        if not isinstance(node, Scalar) or not isinstance(node.value, bool):
            self.wrong(node, path, "true or false")
            return default
        return node.value

    def whole(self, node: Node | None, path: str, default: int, lowest: int = 0) -> int:
        """A whole number of at least `lowest`."""
        if node is None:
            return default
        if not isinstance(node, Scalar) or type(node.value) is not int:
            self.wrong(node, path, "a whole number")
            return default
        if node.value < lowest:
            self.problems.add("E115", node.place, path, f"{path} is {node.value}, and at least {lowest} is needed")
            return default
        return node.value

    def choice(self, node: Node | None, path: str, words: tuple[str, ...], default: str) -> str:
        """One of some words."""
        text = self.text(node, path)
        if text is None or node is None:
            return default
        if text not in words:
            hint = self.problems.did_you_mean(text, words) or f"choose one of {', '.join(words)}"
            self.problems.add("E115", node.place, path, f'{path} cannot be "{text}"', hint)
            return default
        return text

    def duration(self, node: Node | None, path: str, default: float) -> float:
        """Seconds of `400ms 15s 10m 2h 7d`."""
        text = self.text(node, path)
        if text is None or node is None:
            return default
        found = _DURATION.match(text)
        if not found:
            self.problems.add("E115", node.place, path, f'"{text}" is no duration', "write 400ms, 15s, 10m, 2h or 7d")
            return default
        return int(found[1]) * _SECONDS[found[2]]

    def size(self, node: Node | None, path: str, default: int) -> int:
        """Bytes of `64KiB 1MiB 8GiB`, or a plain number of bytes."""
        text = self.text(node, path)
        if text is None or node is None:
            return default
        found = _SIZE.match(text)
        if not found:
            self.problems.add("E115", node.place, path, f'"{text}" is no size', "write 64KiB, 1MiB or 8GiB")
            return default
        return int(found[1]) * _BYTES[found[2]]

    def missing(self, place: Place, path: str, key: str, hint: str = "") -> None:
        """Note that a key is needed and missing."""
        if not self.problems.is_meant(path, key):
            self.problems.add("E113", place, path, f"{path} needs {key}", hint)


_DASHED = re.compile(r"[-–—•·*]\s*(\S.*)\Z")


def _as_list(text: str) -> str:
    """How to write a list of a text that stands for one."""
    if (found := _DASHED.match(text)) is not None:
        return f"a blank is missing behind the dash: write - {found[1]}" if text[0] == "-" else f"write - {found[1]}"
    inner = text[1:-1].strip() if text[:1] == "(" and text[-1:] == ")" else text
    return f"write [{inner.replace(';', ',')}]"


def plain(node: Node) -> Any:
    """A node as plain data."""
    match node:
        case Map():
            return {key.text: plain(value) for key, value in node.entries}
        case Sequence():
            return [plain(item) for item in node.items]
    return node.value
