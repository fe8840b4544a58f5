"""`{{ name }}` in texts: what a reference may look like, and what it gives.

A lone reference keeps its value's type. Inside a longer text values are joined as JavaScript would, and what is
missing or null leaves nothing behind. `\\{{` writes two braces.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tagserver.event.event import MISSING
from tagserver.event.spelling import nfc
from tagserver.event.values import join_text
from tagserver.expressions.scope import Scope, Value

ITEM = "item"
"""The root of what stands for one item of a list, where each of them has a template of its own."""
_TOKEN = re.compile(r"\\\{\{|\{\{(.*?)\}\}|\{\{", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reference:
    """A name between braces, in the form in which names are compared, and where it begins in the text."""

    name: str
    at: int


class BadTemplate(ValueError):
    """The text cannot be read as a template; `hint` is the fix."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def parse_template(text: str) -> list[str | Reference]:
    """The pieces of a template, literal texts and references. Raises BadTemplate."""
    pieces: list[str | Reference] = []
    literal = ""
    at = 0
    for found in _TOKEN.finditer(text):
        literal += text[at : found.start()]
        at = found.end()
        if found[0].startswith("\\"):
            literal += "{{"
            continue
        if found[1] is None:
            raise BadTemplate('"{{" has no "}}" behind it', r"write \{{ for two braces")
        name = nfc(found[1].strip())
        if not name:
            raise BadTemplate("nothing stands between the braces", "name a variable or a path")
        if "|" in name:
            raise BadTemplate(f'filters are not known: "{name}"', "make a variable that does it")
        if literal:
            pieces.append(literal)
            literal = ""
        pieces.append(Reference(name, found.start()))
    literal += text[at:]
    if literal or not pieces:
        pieces.append(literal)
    return pieces


def is_template(text: str) -> bool:
    """Whether a text holds braces at all."""
    return "{{" in text


def lone_reference(text: str) -> str | None:
    """The name between the braces of a text that is nothing else but one reference; None for any other."""
    try:
        pieces = parse_template(text.strip())
    except BadTemplate:
        return None
    return pieces[0].name if len(pieces) == 1 and isinstance(pieces[0], Reference) else None


def compile_template(text: str, resolve: Callable[[Reference], Value]) -> Value | str:
    """A value for a template, or the plain text when it holds no reference. Raises BadTemplate, and what `resolve`
    raises."""
    pieces = parse_template(text)
    if all(isinstance(piece, str) for piece in pieces):
        return "".join(piece for piece in pieces if isinstance(piece, str))
    # Blanks around a lone reference are not part of a text.
    solid = [piece for piece in pieces if not (isinstance(piece, str) and not piece.strip())]
    if len(solid) == 1 and isinstance(solid[0], Reference):
        return resolve(solid[0])
    parts: list[Value | str] = [piece if isinstance(piece, str) else resolve(piece) for piece in pieces]

    def joined(scope: Scope) -> Any:
        return "".join(part if isinstance(part, str) else join_text(part(scope)) for part in parts)

    return joined


def constant(value: Any) -> Value:
    """A value that is always the same."""
    return lambda scope: value


def with_default(value: Value, default: Value) -> Value:
    """`default` where there is no value at all; null is a value."""

    def filled(scope: Scope) -> Any:
        found = value(scope)
        return default(scope) if found is MISSING else found

    return filled
