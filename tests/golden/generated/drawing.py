"""How a scenario is drawn: from numbers that one text begins, the same in every process and on every version of Python;
and how a drawn value is written as YAML."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_ ./@]*[A-Za-z0-9_]")
_WORDS = frozenset({"null", "true", "false", "Null", "True", "False", "NULL", "TRUE", "FALSE"})
_PLAIN = re.compile(r'"\\u0000plain:([^"\\]*)"')


class Draw:
    """Draws from what is given, in order. `seed` is any text; nothing else decides."""

    def __init__(self, seed: str) -> None:
        self._numbers = Random(seed)

    def below(self, end: int) -> int:
        """A whole number from 0 to `end`, which it never is."""
        return int(self._numbers.random() * end)

    def chance(self, share: float) -> bool:
        """True in this share of all cases."""
        return self._numbers.random() < share

    def one(self, options: Sequence[T]) -> T:
        """One of some."""
        return options[self.below(len(options))]

    def made(self, *makers: Callable[[Draw], T]) -> T:
        """What one of some functions makes of this."""
        return self.one(makers)(self)

    def some(self, options: Sequence[T], most: int, least: int = 0) -> list[T]:
        """Several of some, each once, in their order."""
        left = list(range(len(options)))
        count = min(least + self.below(most - least + 1), len(left))
        chosen = [left.pop(self.below(len(left))) for _ in range(count)]
        return [options[place] for place in sorted(chosen)]

    def weighted(self, *options: tuple[int, T]) -> T:
        """One of some, each as often as its weight says."""
        left = self.below(sum(weight for weight, _ in options))
        for weight, option in options:
            if left < weight:
                return option
            left -= weight
        raise AssertionError("the weights are whole numbers above zero")

    def fields(self, table: Mapping[str, Sequence[Any]], most: int, least: int = 0) -> dict[str, Any]:
        """Some keys of a table, each with one of its values."""
        return {key: self.one(table[key]) for key in self.some(list(table), most, least)}


def plain(text: str) -> str:
    """A scalar that stands in the YAML as it is, without quotes: `012`, `yes`, `1e3`."""
    return f"\0plain:{text}"


def as_yaml(value: Mapping[str, Any], blocks: int = 1) -> str:
    """A file of the configuration. So many levels of it are blocks, one line for each key; what is below stands on one
    line. (JSON is YAML; what is `plain` is written without quotes.)"""
    return "\n".join(_block(value, blocks, "")) + "\n"


def _block(value: Any, blocks: int, indent: str) -> list[str]:
    lines: list[str] = []
    entries = [(f"{_flow(key)}:", held) for key, held in value.items()] if isinstance(value, Mapping) else None
    for head, held in entries if entries is not None else [("-", held) for held in value]:
        if blocks > 1 and isinstance(held, Mapping | list) and held:
            inner = _block(held, blocks - 1, indent + "  ")
            lines += [indent + head, *inner] if head != "-" else [f"{indent}- {inner[0].lstrip()}", *inner[1:]]
        else:
            lines.append(f"{indent}{head} {_flow(held)}")
    return lines


def _flow(value: Any) -> str:
    if isinstance(value, str) and _BARE.fullmatch(value) and value not in _WORDS:
        return value
    return _PLAIN.sub(lambda found: found[1], json.dumps(value, ensure_ascii=False))
