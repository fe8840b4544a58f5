"""What people wrote, and YAML takes without a word: a value of another type than the one that belongs there, and
typographic quotes.

A text editor writes “purchase” for "purchase". To YAML these are letters, part of the word, and no event is called so.
Signs that nobody sees are as much part of it: a blank of a word processor's at the end of a name, one without width.
Only what stands without straight quotes is looked at: who writes "“purchase”" means it. Of a text that begins or ends
with such a sign, those are left that quote a word of a sentence (`„Summer“ sale`), that are an apostrophe
(`’s-Hertogenbosch`), an inch (`27”`) or an arrow (`next »`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tagserver.config.yaml.inline import TEMPLATE
from tagserver.config.yaml.line_mistakes import number, stray_sign
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Map, Node, Scalar, Sequence
from tagserver.config.yaml.suggestions import GLUED

_TRUE = frozenset({"yes", "y", "on", "1", "true"})
_FALSE = frozenset({"no", "n", "off", "0", "false"})
LONGEST = 40


def slip(node: Node, wanted: str) -> str:
    """How to write what was meant, when a node is not what was `wanted`; empty when nobody knows."""
    match node:
        case Scalar(cut=cut) if cut:
            return f'what follows # is a comment: put the text in quotes: "{cut}"'
        case Map(entries=((_, Scalar(value=None, text="")),)):
            return TEMPLATE
        case Scalar(value=str() | int()):
            return _of_text(node, wanted)
    return ""


def shape(node: Node, wanted: str) -> str:
    """How to write a list or a map where the other one stands; empty for anything else."""
    if isinstance(node, Map) and wanted.startswith("a list"):
        return 'begin each entry with "- "'
    if isinstance(node, Sequence) and wanted.startswith("a map"):
        return 'write "key: value" in each line, without "- "'
    return ""


def _of_text(node: Scalar, wanted: str) -> str:
    word = node.text.strip().lower()
    if "true or false" in wanted and (word in _TRUE or word in _FALSE):
        return f'"{node.text}" is a {_kind(node)}: write {"true" if word in _TRUE else "false"}, without quotes'
    if "number" in wanted and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", word):
        return "write the number without quotes" if isinstance(node.value, str) else ""
    if ("map" in wanted or "list" in wanted) and isinstance(node.value, str):
        if (found := GLUED.match(node.text)) is not None and "://" not in node.text:
            return f"a blank is missing behind the colon: write {found[1][:LONGEST]}: …"
        if node.text[-1:] in ("}", "]") and not re.search(r"[\[{]", node.text):
            return f'the bracket that "{node.text[-1]}" closes is missing, or the colon and the blank before it'
    return ""


def _kind(node: Scalar) -> str:
    return "number" if isinstance(node.value, int) else "text"


def glued_entry(key: Scalar, held: Node) -> str:
    """Of a name that holds the beginning of its value (`buy {event: purchase}`): how to write it; else empty."""
    name = re.split(r"[\[{]", key.text)[0].rstrip()
    if name == key.text.rstrip() or not isinstance(held, Scalar) or held.text[-1:] not in ("}", "]"):
        return ""
    return f"a colon is missing: write {name[:LONGEST]}: …"


_DOUBLE = "“”„‟＂"
"""Signs that are quotes and nothing else, so that one of them alone is one too many."""
_SINGLE = "‘’‚‛＇´«»‹›"
"""Signs that mean something else, too, so that only a pair of them is a pair of quotes."""
_ALL = _DOUBLE + _SINGLE
FOR_PEOPLE = frozenset({"notes", "basis", "consent_override", "redact_override"})
"""Keys whose texts are read by people alone."""
_MAY_HOLD_SECRETS = frozenset({"destinations", "settings"})
_LONGEST_SHOWN = 40
_ANEW = "type it anew, or put it in quotes where that sign is meant"


def check_quotes(
    tree: Node | None, problems: Problems, *, secrets: bool = False, for_people: frozenset[str] = FOR_PEOPLE
) -> None:
    """Warn of each text and key of a file with typographic quotes where straight ones were meant, or with a sign that
    nobody sees.

    `secrets`: any text of the file may be one, and none is repeated; else those of destinations are not. `for_people`:
    keys whose texts are left alone.
    """
    seen = set()
    for leaf, way, is_key in _leaves(tree, (), for_people):
        signs = stray_quotes(leaf.text) if leaf.plain else ""
        unseen = stray_sign(leaf.text, is_key=is_key) if leaf.plain else ""
        if not (signs or unseen) or leaf.place in seen:
            continue
        seen.add(leaf.place)  # an alias stands in many places, and is written in one
        if unseen:
            message = f"a sign that nobody sees ({number(unseen)}) is part of this text"
            problems.add("W309", leaf.place, ".".join(way), message, _ANEW)
            continue
        hidden = secrets or not _MAY_HOLD_SECRETS.isdisjoint(way) or len(leaf.text) > _LONGEST_SHOWN
        written = "" if hidden else f" of {leaf.text}"
        meant = f': "{leaf.text.strip(_ALL).strip()}"' if written and len(signs) > 1 else ""
        message = f"YAML takes {' and '.join(signs)}{written} for part of the text, not for quotes"
        problems.add("W309", leaf.place, ".".join(way), message, f"write straight quotes{meant}")


def stray_quotes(text: str) -> str:
    """The one or two signs at the ends of a text that stand where straight quotes were meant; "" for none."""
    first, last, inner = text[:1], text[-1:], text[1:-1]
    if len(text) < 2 or any(sign in inner for sign in _ALL if sign not in "’'´"):
        return ""  # a quoted word within a sentence, or several
    if first in _ALL and last in _ALL:
        is_pattern = inner[:1] == "|" or inner[-1:] == "|"
        return "" if is_pattern else first + last
    if first in _DOUBLE:
        return first
    return last if last in _DOUBLE and not inner[-1:].isdigit() else ""


def _leaves(
    node: Node | None, way: tuple[str, ...], for_people: frozenset[str]
) -> Iterator[tuple[Scalar, tuple[str, ...], bool]]:
    """Keys and texts, each with the keys that lead to it, and whether it is a key."""
    match node:
        case Scalar():
            yield node, way, False
        case Sequence():
            for item in node.items:
                yield from _leaves(item, way, for_people)
        case Map():
            for key, held in node.entries:
                below = (*way, key.text)
                yield key, below, True
                if key.text not in for_people or not isinstance(held, Scalar):
                    yield from _leaves(held, below, for_people)
