"""What all pages have in common: title, headings, menu, where they lead, and what is answered where there is none."""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import pairwise

import pytest

from tagserver.server.admin.answers import SAFE
from tagserver.server.pages.rendering import NAVIGATION, section_of, with_code
from tests.server.conftest import BEARER, Running
from tests.server.pages.support import BROWSER, get

PAGES = [
    ("/-/", "Home"),
    ("/-/destinations", "Destinations"),
    ("/-/destinations/meta", "meta"),
    ("/-/plugins", "Plugins"),
    ("/-/glossary", "Glossary"),
]


@pytest.mark.parametrize(("path", "title"), PAGES)
async def test_a_page_says_what_it_is(server: Running, path: str, title: str) -> None:
    """In its title and its one first heading; headings leave out no level."""
    answer = await server.http.get(path, headers=BROWSER)
    assert f"<title>{title} · tagserver</title>" in answer.text
    shown = await get(server, path)
    levels = [level for level, _ in shown.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert shown.headings[0][1].startswith(title)
    assert shown.all("html") == [{"lang": "en"}]


@pytest.mark.parametrize(("path", "title"), PAGES)
async def test_every_page_has_the_menu(server: Running, path: str, title: str) -> None:
    """With a mark at the page that is shown, or that it belongs to; before it a way around the menu."""
    shown = await get(server, path)
    links = shown.all("a")
    menu = [one["href"] for one in links if one["href"] in dict(NAVIGATION)]
    assert [address for address, _ in NAVIGATION] == [one for one in dict.fromkeys(menu) if one is not None][:7]
    current = [(one["href"], one["aria-current"]) for one in links if "aria-current" in one]
    assert current == [(section_of(path), "page" if section_of(path) == path else "true")]
    assert links[0] == {"class": "skip", "href": "#main"}
    assert any(one.get("id") == "main" for one in shown.all("main"))


@pytest.mark.parametrize(("path", "title"), PAGES)
async def test_nothing_is_fetched_from_elsewhere(server: Running, path: str, title: str) -> None:
    """No script and no style stands in the page, and what it loads is there."""
    answer = await server.http.get(path, headers=BROWSER)
    shown = await get(server, path)
    assert "style" not in {name for _, attributes in shown.tags for name in attributes}
    assert not [name for _, attributes in shown.tags for name in attributes if name.startswith("on")]
    assert not shown.all("style")
    for one in shown.all("script"):
        assert one["type"] == "module"
        loaded = await server.http.get(str(one["src"]), headers=BEARER)
        assert (loaded.status_code, loaded.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
        assert loaded.headers["cache-control"] == "private, no-cache"
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert SAFE["content-security-policy"] in policy


@pytest.mark.parametrize(
    "path", ["/-/nowhere", "/-/destinations/nobody", "/-/destinations/%2e%2e%2fx", "/-/static/no.js"]
)
async def test_what_is_not_there(server: Running, path: str) -> None:
    """A page for people, a problem for machines."""
    shown = await get(server, path, 404)
    assert shown.headings[0][0] == 1
    answer = await server.http.get(path, headers=BEARER)
    assert answer.status_code == 404
    assert answer.json()["problems"][0]["message"]


@pytest.mark.parametrize("name", ["..%2fstyle.css", "..%2f..%2fapp.py", "%2e%2e/console.py", "times.js/", "", "times"])
async def test_only_modules_are_static(server: Running, name: str) -> None:
    """Names are looked up among those that there are."""
    assert (await server.http.get(f"/-/static/{name}", headers=BEARER)).status_code in (404, 405)


async def test_a_method_that_an_address_does_not_take(server: Running) -> None:
    """405 in the form that fits, with the methods that it takes."""
    answer = await server.http.post("/-/glossary", headers=BROWSER)
    assert (answer.status_code, "GET" in answer.headers["allow"]) == (405, True)
    assert answer.headers["content-type"].startswith("text/html")
    answer = await server.http.post("/-/glossary", headers=BEARER)
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (405, "method")


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("http://tags.shop.example/-/destinations?a=1", "/-/destinations?a=1"),
        ("http://evil.example/-/destinations", "/-/"),
        ("http://tags.shop.example/other", "/-/"),
        ("http://[", "/-/"),
        ("", "/-/"),
    ],
)
async def test_a_refusal_leads_back(server: Running, referer: str, back: str) -> None:
    """To the page of ours that it was reached from, never to a stranger's."""
    answer = await server.http.get("/-/nowhere", headers={**BROWSER, "referer": referer})
    assert f'<p><a href="{back}">' in answer.text


@pytest.mark.parametrize(
    ("path", "section"),
    [
        ("/-/", "/-/"),
        ("/-/destinations/a/b", "/-/destinations"),
        ("/-/events/e-1", "/-/preview"),
        ("/-/login", ""),
        ("/-/destinationsx", ""),
    ],
)
def test_where_a_path_belongs(path: str, section: str) -> None:
    assert section_of(path) == section


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a", "a"),
        ("a `b` c", "a <code>b</code> c"),
        ("`<b>`", "<code>&lt;b&gt;</code>"),
        ("<b> `x", "&lt;b&gt; <code>x</code>"),
    ],
)
def test_code_in_texts(text: str, html: str) -> None:
    """Backticks mark it, and nothing else becomes markup."""
    assert with_code(text) == html


# ── the palette

SHEET = files("tagserver.server").joinpath("templates", "style.css").read_text()
COLOURS = {
    name: (light, dark) for name, light, dark in re.findall(r"--([\w-]+): light-dark\(#(\w{6}), #(\w{6})\)", SHEET)
}


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "background", "least"),
    [
        *((text, ground, 4.5) for text in ("text", "muted", "link", "bad") for ground in ("page", "panel", "sunken")),
        *((kind, f"{kind}-soft", 4.5) for kind in ("ok", "warning", "bad", "muted")),
        *(("text", ground, 4.5) for ground in ("muted-soft", "warning-soft")),
        ("on-link", "link", 4.5),
        *(("edge", ground, 3.0) for ground in ("page", "panel")),
    ],
)
def test_contrast(text: str, background: str, least: float, mode: int) -> None:
    """Texts reach 4.5:1 (WCAG 2.2, 1.4.3), edges of what can be used 3:1 (1.4.11)."""
    lighter, darker = sorted((_luminance(COLOURS[one][mode]) for one in (text, background)), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= least


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
