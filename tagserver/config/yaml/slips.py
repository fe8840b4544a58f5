"""What people wrote where a value of another type belongs: the slips that YAML takes without a word."""

from __future__ import annotations

import re

from tagserver.config.yaml.inline import TEMPLATE
from tagserver.config.yaml.problems import GLUED
from tagserver.config.yaml.source import Map, Node, Scalar, Sequence

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
