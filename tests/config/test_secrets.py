"""What marketing's files may have of the world outside, and that nothing of it stands in a problem."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from tagserver.config.compile import Loaded, compile_container
from tagserver.config.yaml.report import render

from .world import REGISTRY, codes

KEY, QUEUE, ADMIN, TOKEN = "key-of-the-backend", "q" * 43 + "=", "token-of-the-admin", "token-of-the-vendor"
ENVIRON = {
    "BACKEND_KEY": KEY,
    "QUEUE_KEY": QUEUE,
    "TAGSERVER_ADMIN_TOKEN": ADMIN,
    "META_TOKEN": TOKEN,
    "TOKEN_OF_ANNA": "token-of-anna-0123456789",
    "ALIAS": KEY,
    "SHORT": "x",
}
FILES = {
    "/run/secrets/key": KEY + "\n",
    "/run/secrets/meta": TOKEN,
    "/proc/self/environ": "\0".join(f"{name}={value}" for name, value in ENVIRON.items()),
    "/srv/data/admin-token": ADMIN,
}
SERVER = """
collect: {keys: {backend: {secret: "${env:BACKEND_KEY}"}, other: {secret: "${file:/run/secrets/../secrets/key2}"}}}
queue: {encrypt: "${env:QUEUE_KEY}"}
admin: {tokens: {anna: {token: "${env:TOKEN_OF_ANNA}", role: view}}}
"""


def read_file(name: str) -> str:
    """Of a few files."""
    try:
        return {**FILES, "/run/secrets/../secrets/key2": "key-of-another"}[name]
    except KeyError:
        raise FileNotFoundError(2, "No such file or directory", name) from None


def loaded(container: str, server: str = SERVER, environ: Mapping[str, str] = ENVIRON) -> Loaded:
    texts = {"server.yaml": server.encode(), "container.yaml": container.encode()}
    return compile_container(texts, registry=REGISTRY, environ=environ, read_file=read_file)


def vault(reference: str) -> str:
    return f"""
destinations: {{vault: {{type: vault, token: "{reference}"}}}}
tags: [{{name: A, destination: vault, triggers: [all]}}]
"""


@pytest.mark.parametrize(
    "reference",
    [
        "${env:BACKEND_KEY}",
        "${env:QUEUE_KEY}",
        "${env:TAGSERVER_ADMIN_TOKEN}",
        "${env:TOKEN_OF_ANNA}",
        "${env:ALIAS}",
        "${file:/run/secrets/key}",
        "${file:/run/secrets/key2}",
        "${file:/run/./secrets/key2}",
        "${file:/proc/self/environ}",
        "${file:/srv/data/admin-token}",
    ],
)
@pytest.mark.parametrize("listed", ["", 'secrets: ["*", "/*"]', "environment: [BACKEND_KEY, QUEUE_KEY, ALIAS]"])
def test_secrets_of_operations_are_given_to_no_destination(reference: str, listed: str) -> None:
    """By whatever name, and whatever operations list."""
    found = loaded(vault(reference), f"{SERVER}\n{listed}\n")
    assert "E202" in codes(found)
    assert found.container is None


@pytest.mark.parametrize("name", ["BACKEND_KEY", "TAGSERVER_ADMIN_TOKEN", "ALIAS"])
@pytest.mark.parametrize(
    "container",
    [
        'destinations: {{box: {{type: box, account: "${{env:{0}}}"}}}}',
        "destinations: {{box: {{type: box}}}}\nvariables: {{v: {{environment: {0}}}}}",
        'destinations: {{box: {{type: box}}}}\nvariables: {{v: {{template: "${{env:{0}}}"}}}}',
        'destinations: {{box: {{type: box}}}}\ntriggers: {{t: {{when: {{x: "${{env:{0}}}"}}}}}}',
    ],
)
def test_nor_by_other_fields_when_they_are_listed_for_all(name: str, container: str) -> None:
    """`environment:` opens nothing that is operations' own."""
    text = container.format(name) + "\ntags: [{name: A, destination: box, triggers: [all]}]\n"
    found = loaded(text, f"{SERVER}\nenvironment: [{name}]\n")
    assert "E202" in codes(found)


@pytest.mark.parametrize(
    ("reference", "listed", "taken"),
    [
        ("${env:META_TOKEN}", "", True),
        ("${env:SHORT}", "", True),
        ("${file:/run/secrets/meta}", "", True),
        ("${env:META_TOKEN}", "secrets: [META_*]", True),
        ("${env:META_TOKEN}", "secrets: [META_TOKEN]", True),
        ("${env:META_TOKEN}", "secrets: [META_]", False),
        ("${env:META_TOKEN}", "secrets: [GA4_*, /run/secrets/*]", False),
        ("${env:META_TOKEN}", "secrets: []", False),
        ("${env:META_TOKEN}", "secrets: [GA4_*]\nenvironment: [META_TOKEN]", True),
        ("${file:/run/secrets/meta}", "secrets: [/run/secrets/*]", True),
        ("${file:/run/other/../secrets/meta}", "secrets: [/run/other/*]", False),
        ("${file:/run/secrets/meta}", 'secrets: ["*"]', False),
    ],
)
def test_operations_may_list_what_secret_fields_name(reference: str, listed: str, taken: bool) -> None:
    """Without the list, everything but their own."""
    found = loaded(vault(reference), f"{SERVER}\n{listed}\n")
    assert ("E202" not in codes(found)) == taken


OUTSIDE = "Geheim-4711-wort"
VALUES = (OUTSIDE, f"nats://anna:{OUTSIDE}@queue.internal:4222", f"{OUTSIDE}.example", "pwd4", "[", "a b c d")
PLACES = [
    *("queue: {{url: {0}}}", "queue: {{encrypt: {0}}}", "collect: {{origins: [{0}]}}", "egress: {{allow: [{0}]}}"),
    *("collect: {{geo_database: {0}}}", "collect: {{keys: {{a: {{secret: {0}}}, b: {{secret: {0}}}}}}}"),
]
BOX = "destinations: {{d: {{type: box}}}}\n"
OTHERS = [
    "destinations: {{d: {{type: {1}, account: {0}, mood: {0}, api_url: {0}, token: {0}, unknown: {0}}}}}",
    BOX + "triggers: {{t: {{event: {0}, when: {{x: {{matches: {0}, in: {0}}}}}}}}}",
    BOX + 'variables: {{v: {{format: {0}, template: "{{{{ {0} }}}}"}}}}',
    BOX + 'variables: {{w: {{lookup: "{{{{ x }}}}", table: {{a: {0}}}}}}}',
    BOX + "transformations: {{t: {{strip_query: [{0}], set: {{a: {0}}}, when: {{y: {{greater_than: {0}}}}}}}}}",
]


@pytest.mark.parametrize("value", VALUES)
def test_no_problem_shows_a_value_that_came_from_outside(value: str) -> None:
    """Neither whole nor by its part that is a password, in whatever place of whichever file."""
    environ: dict[str, str] = {"SECRET_VALUE": value}
    written = '"${env:SECRET_VALUE}"'
    tag = "\ntags: [{name: A, destination: d, triggers: [all]}]\n"
    shown: list[Any] = []
    for place in PLACES:
        found = loaded("destinations: {d: {type: box}}" + tag, place.format(written), environ)
        shown += found.problems
    for place, kind in itertools.product(OTHERS, ("box", "vault", "moody", "dated", "broken")):
        text = place.format(written.replace('"', "") if "{{{{ {0}" in place else written, kind)
        found = loaded(text + tag, "environment: [SECRET_VALUE]", environ)
        shown += found.problems
    assert len(shown) > 20
    for problem in shown:
        said = f"{problem.message} {problem.hint} {render([problem], {})}"
        assert OUTSIDE.lower() not in said.lower()
        assert len(value) < 4 or value.lower() not in said.lower(), said
