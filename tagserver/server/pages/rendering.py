"""How a page becomes HTML: one Jinja environment, what every page has in common, and the headers of all of them.

A page is a template that extends `base.html`. It works without JavaScript; what a module of `static/` adds is
progressive. Nothing is fetched from elsewhere, and no script or style stands in the HTML itself (strict CSP).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tagserver import __version__
from tagserver.records.words.sentences import amount, answer_of, outcome_of, said_by, status_of
from tagserver.records.words.tables import DECISIONS, STATUS
from tagserver.server.admin.answers import PAGE, SAFE
from tagserver.server.admin.auth import form_token, may_operate, user_of
from tagserver.server.pages.glossary import anchor
from tagserver.system.text import clock_time, counted, iso_time, printable_json, readable_time, size, span

NAVIGATION: Sequence[tuple[str, str]] = (
    ("/-/", "Home"),
    ("/-/preview", "Preview"),
    ("/-/destinations", "Destinations"),
    ("/-/configuration", "Configuration"),
    ("/-/try", "Try"),
    ("/-/plugins", "Plugins"),
    ("/-/glossary", "Glossary"),
)
"""Every page that has a place of its own, in the order of the menu."""
BELOW = {"/-/events": "/-/preview", "/-/shares": "/-/preview", "/-/compare": "/-/preview"}
"""Pages without a place of their own, and the one that they belong to."""


def sentence(text: str) -> str:
    """A text as a sentence: with a capital and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!", ":")) else ".")


def with_code(text: str) -> Markup:
    """A text in which backticks mark code, as HTML."""
    parts = text.split("`")
    pieces = (
        Markup("<code>{}</code>").format(part) if at % 2 else Markup.escape(part) for at, part in enumerate(parts)
    )
    return Markup("").join(pieces)


_environment = Environment(
    loader=PackageLoader("tagserver.server", "templates"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters["moment"] = readable_time
_environment.filters["iso"] = iso_time
_environment.filters["clock"] = clock_time
_environment.filters["sentence"] = sentence
_environment.filters["span"] = span
_environment.filters["size"] = size
_environment.filters["code"] = with_code
_environment.filters["as_json"] = printable_json
_environment.globals["counted"] = counted
_environment.globals["anchor"] = anchor
_environment.filters["said_by"] = said_by
_environment.globals |= {
    "amount": amount,
    "answer_of": answer_of,
    "decision_words": DECISIONS,
    "outcome_of": outcome_of,
    "status_of": status_of,
    "status_words": STATUS,
}


def page(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    """A page. Every template also has: `version` of tagserver, `navigation`, `here` (this path), `section` (the page of
    the menu that it belongs to), `form_token` (for the hidden field of that name in each form that posts), `user`, and
    `may_operate` (whether buttons that change something are shown); the filters `moment`, `clock`, `iso` (of ms),
    `span` (of seconds), `size` (of bytes), `as_json` (of plain data, on one line), `sentence`, `code` (of texts); the
    functions `counted` and `anchor` (of a word in the glossary); and the words of `records.words` that are set below
    `_environment`."""
    return HTMLResponse(fragment(request, template, **values), status, headers=PAGE)


def fragment(request: Request, template: str, **values: Any) -> str:
    """The HTML of a template, for a part of a page."""
    common: Mapping[str, Any] = {
        "version": __version__,
        "navigation": NAVIGATION,
        "here": request.scope["path"],
        "section": section_of(request.scope["path"]),
        "form_token": form_token(request),
        "user": user_of(request),
        "may_operate": may_operate(request),
    }
    return _environment.get_template(template).render({**common, **values})


def section_of(path: str) -> str:
    """The page of the menu that a path belongs to; empty for none."""
    for address, _ in NAVIGATION:
        if path == address or (address != "/-/" and path.startswith(f"{address}/")):
            return address
    return next((page for below, page in BELOW.items() if path == below or path.startswith(f"{below}/")), "")


def back(address: str) -> Response:
    """After a form was posted: the browser goes to a page, so that a reload posts nothing again."""
    return RedirectResponse(address, 303, headers=SAFE)
