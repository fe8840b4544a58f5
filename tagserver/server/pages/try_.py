"""What the page Try shows, as plain data: the form as it was filled in, the answer of `try`, and to whom the event
could be sent as a test. Nothing of it is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tagserver.event.consent_fields import PURPOSES
from tagserver.event.event import BROWSER
from tagserver.explain.try_ import body_text
from tagserver.plugin.vendor_test import VendorTest
from tagserver.server.pages.examples import EXAMPLES
from tagserver.server.pages.pasted import Mistake, read_lines, read_pasted
from tagserver.system.text import printable_json

FIELDS = ("event", "source", "ip", "headers", "cookies", "consent", "destination", "code")
"""The form's, all of them texts."""
CHOICES: Mapping[str, str] = {"": "as the event says", "granted": "all granted", "denied": "all denied"}
"""What may be said of consent in place of what the event says."""


def empty_form(example: str | None = None) -> dict[str, str]:
    """A form that nobody has filled in, or that holds an example; one that there is not counts as none."""
    event = EXAMPLES.get(example or "")
    return dict.fromkeys(FIELDS, "") | {
        "source": BROWSER,
        "event": "" if event is None else printable_json(event, indent=2),
    }


def filled(form: Mapping[str, str]) -> dict[str, str]:
    """The form's own fields of what was posted; a field that was not posted is empty."""
    return {name: form.get(name, "") for name in FIELDS}


def question(form: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The form as a question to `try`, and what is wrong with its fields, by name. The fields beside the event stand
    over what a pasted question says itself."""
    errors: dict[str, str] = {}
    asked: dict[str, Any] = {}
    try:
        asked = dict(read_pasted(form["event"]))
    except Mistake as mistake:
        errors["event"] = str(mistake)
    for name, sign, what in (("headers", ":", "a header as Name: value"), ("cookies", "=", "a cookie as name=value")):
        try:
            lines = read_lines(form[name], sign, what)
        except Mistake as mistake:
            errors[name] = str(mistake)
        else:
            if lines:
                asked[name] = {**_map(asked.get(name)), **lines}
    if form["ip"].strip():
        asked["ip"] = form["ip"].strip()
    if form["source"] and not (form["source"] == BROWSER and "source" in asked):
        asked["source"] = form["source"]
    if form["consent"] in ("granted", "denied") and isinstance(asked.get("event"), dict):
        asked["event"] = {**asked["event"], "consent": dict.fromkeys(PURPOSES, form["consent"])}
    return asked, errors


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def answer(told: Mapping[str, Any]) -> dict[str, Any]:
    """An answer of `try` as the page shows it: with `counts` of decisions, the event as `text`, and each request's body
    as `text`."""
    tags = [
        {**tag, "request": None if tag["request"] is None else {**tag["request"], "text": body_text(tag["request"])}}
        for tag in told["tags"]
    ]
    counts: dict[str, int] = {}
    for tag in tags:
        counts[tag["decision"]] = counts.get(tag["decision"], 0) + 1
    return {
        **told,
        "tags": tags,
        "counts": counts,
        "text": None if told["event"] is None else printable_json(told["event"], indent=2),
    }


def tests(modes: Mapping[str, VendorTest | None]) -> list[dict[str, Any]]:
    """The destinations by whether their vendor has a test mode: `code`, `flag`: whether it takes a code, and whether it
    can do without; `about`: what the plugin says of it."""
    return [
        {
            "destination": name,
            "test_mode": mode is not None,
            "code": mode is not None and mode.code is not None,
            "flag": mode is not None and mode.flag is not None,
            "about": "" if mode is None else mode.about,
        }
        for name, mode in modes.items()
    ]


def offered(modes: Mapping[str, VendorTest | None], sources: Iterable[str]) -> dict[str, Any]:
    """What the page offers to choose from."""
    return {
        "examples": list(EXAMPLES),
        "sources": [BROWSER, *sources],
        "choices": dict(CHOICES),
        "tests": tests(modes),
    }
