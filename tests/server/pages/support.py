"""Pages as a browser asks for them, and what stands in them."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import httpx

from tests.server.conftest import BEARER, Running

BROWSER = {**BEARER, "accept": "text/html"}


class Parsed(HTMLParser):
    """`text`: what is read, in one line. `headings`: (level, text). `tags`: each with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.headings: list[tuple[int, str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._words: list[str] = []
        self._heading: list[str] | None = None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("h1", "h2", "h3"):
            self._heading = []

    def handle_endtag(self, tag: str) -> None:
        if tag in ("h1", "h2", "h3"):
            self.headings.append((int(tag[1]), " ".join(" ".join(self._heading or ()).split())))
            self._heading = None

    def handle_data(self, data: str) -> None:
        self._words.append(data)
        if self._heading is not None:
            self._heading.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each element of a name."""
        return [attributes for name, attributes in self.tags if name == tag]


async def get(server: Running, path: str, status: int = 200) -> Parsed:
    """A page."""
    answer = await server.http.get(path, headers=BROWSER)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    return Parsed(answer.text)


async def json_of(server: Running, path: str) -> dict[str, Any]:
    """What the page's address for machines says."""
    answer = await server.http.get(path, headers=BEARER)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def submit(server: Running, path: str, **fields: Any) -> httpx.Response:
    """A form, posted as a browser does."""
    return await server.http.post(path, data=fields, headers=BROWSER)
