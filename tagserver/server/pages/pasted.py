"""An event as a person pastes it: JSON, or what stands in the page's code (`dataLayer.push({event: 'purchase'});`,
`gtag('event', 'purchase', {})`), or the question of `try` around it. Mistakes are told by line and column."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from tagserver.config.yaml.decode import plain
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import parse
from tagserver.event.json_text import UNREADABLE, read_json
from tagserver.inbound.shapes.commands import is_call

_PUSH = re.compile(r"\s*(?:window\.)?dataLayer\.push\(")
_GTAG = re.compile(r"\s*(?:window\.)?gtag\(")
_any: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


class Mistake(Exception):
    """What was typed cannot be read. `line` and `column` from 1, None where the whole is meant."""

    def __init__(self, sentence: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(sentence)
        self.line = line
        self.column = column

    def __str__(self) -> str:
        said = super().__str__()
        return said if self.line is None else f"line {self.line}, column {self.column}: {said}"


def read_pasted(text: str) -> dict[str, Any]:
    """The question: `{"event": {...}, …}`. Raises Mistake."""
    text = _without_call(text)
    if not text.strip():
        raise Mistake("paste an event, or choose an example")
    found = _read(text)
    if is_call(found):
        return {"event": found}
    if not isinstance(found, dict):
        what = "a list" if isinstance(found, list) else "a text" if isinstance(found, str) else "no object"
        raise Mistake(f'this is {what}: paste one event, such as {{"event": "purchase"}}')
    return found if isinstance(found.get("event"), dict) or is_call(found.get("event")) else {"event": found}


def _without_call(text: str) -> str:
    """The text without the call around the event; blanks stand where it began, so that places stay what they are. A
    call of gtag's is the list of what stands in its brackets."""
    begun, gtag = _PUSH.match(text), _GTAG.match(text)
    if (call := begun or gtag) is None:
        return text
    rest = text[call.end() :].rstrip().removesuffix(";").rstrip().removesuffix(")")
    blanks = re.sub(r"[^\n]", " ", call[0])
    return blanks + rest if gtag is None else f"{blanks[:-1]}[{rest}]"


def _read(text: str) -> Any:
    try:
        return read_json(text.encode(errors="surrogatepass"), _any)
    except UNREADABLE:
        pass
    if _is_json(text):
        raise _json_mistake(text)
    problems = Problems()
    tree = parse(text.encode(errors="surrogatepass"), "event", problems)
    if tree is not None and not problems.fatal:
        return plain(tree)
    first = next(one for one in problems.sorted() if one.severity == "error")
    said = f"{first.message}; {first.hint}" if first.hint else first.message
    raise Mistake(said, first.place.line, first.place.column)


def _json_mistake(text: str) -> Mistake:
    """Where a text that is meant as JSON is none."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        said = f"this is not JSON from here on ({error.msg[:1].lower()}{error.msg[1:]})"
        return Mistake(said, error.lineno, error.colno)
    except (ValueError, RecursionError):
        return Mistake("this nests too deeply, or holds a number that is too long")
    return Mistake("this is not JSON as events may be: NaN and Infinity are no numbers there")


def _is_json(text: str) -> bool:
    """Whether a text is meant as JSON: the first name in its braces is in double quotes."""
    return text.lstrip()[:1] in ("{", "[") and text.lstrip("{[ \t\r\n")[:1] in ('"', "")


def read_lines(text: str, sign: str, what: str) -> dict[str, str]:
    """`Name: value` in each line (`sign` is the colon), or `name=value`. Raises Mistake; `what` names one of them."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        name, between, value = line.partition(sign)
        if not between or not name.strip():
            raise Mistake(f"write {what}", number, 1)
        found[name.strip()] = value.strip()
    return found
