"""Every key of a configuration that uses all of them: misspelt, of another type, missing, twice. Always problems or a
configuration that works, never an exception."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from tagserver.config.compile import Loaded
from tagserver.config.yaml.report import render
from tests.fast_yaml import safe_dump, safe_load

from ..events import event
from .rich import EVENTS, RICH
from .world import codes, decide, load

SERVER = """
collect:
  origins: ["https://shop.example"]
  keys: {crm: {secret: "${env:BACKEND_KEY}", consent: {ad_storage: granted}, basis: contract}}
  trusted_proxies: 1
  geo_headers: [cf-ipcountry]
  max_body: 1MiB
  max_event: 256KiB
  max_events: 1000
  max_connections: 100
  max_connections_per_address: 10
  rate: 50/s
  dedup: per_source
  dedup_orders: false
clients:
  tickets:
    desk: {secret: "${env:BACKEND_KEY}", consent: {ad_storage: granted}, basis: contract, wait: 10m, currency: EUR}
cookies: {domain: shop.co.uk, fbp: false, fbc: false, clicks: false, visitor: vid, max_age: 30d}
admin: {tokens: {anna: {token: "${env:TOKEN_OF_ANNA}", role: view}}}
queue:
  {url: "sqlite:outbox.db", max_size: 8GiB, min_free: 512MiB, keep_dead: 14d, keep_removed: 24h, network_disk: allow}
shutdown: {pre_stop: 5s, drain: 15s}
records: {level: full, keep: 3d, max_size: 64MiB}
log: {format: json, events: true}
egress: {allow: ["127.0.0.0/8"]}
environment: [ACCOUNT]
secrets: [TOKEN, "T*"]
reload: manual
debug: true
"""
FILES = {"container.yaml": safe_load(RICH), "server.yaml": safe_load(SERVER)}
TEXTS = {name: safe_dump(tree, sort_keys=False) for name, tree in FILES.items()}
Way = tuple[str | int, ...]

OPEN = (
    *(("variables",), ("triggers",), ("destinations",), ("transformations",), ("tags", 0, "parameters")),
    *(
        ("tags", 2, "parameters"),
        ("tags", 2, "event_name"),
        ("collect", "keys"),
        ("admin", "tokens"),
        ("clients", "tickets"),
    ),
)
"""Maps whose keys are names of the user's own."""
OWN = frozenset({"table", "object", "when", "not", "any", "rename", "set", "fields", "where", "shop", "basket"})
"""Keys below which they are, too: names of values and fields."""


def ways(value: Any, way: Way = ()) -> Iterator[Way]:
    """The way to every key of every map."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*way, key)
            yield from ways(inner, (*way, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from ways(inner, (*way, number))


KEYS = [(file, way) for file, tree in FILES.items() for way in ways(tree)]


def name_of(value: Any) -> str:
    return ".".join(map(str, value)) if isinstance(value, tuple) else str(value)


def compiled(file: str, tree: Any) -> Loaded:
    """What comes of the files with one of them changed; what serves decides events."""
    texts: dict[str, str | bytes] = {**TEXTS, file: safe_dump(tree, sort_keys=False)} if file else {**TEXTS}
    loaded = load(texts)
    render(loaded.problems, {name: str(text) for name, text in texts.items()})
    if loaded.container is not None:
        for pushed in EVENTS:
            decide(loaded.container, event(pushed))
    return loaded


def changed(file: str, way: Way) -> tuple[Any, dict[str, Any]]:
    """A copy of a file's tree, and the map in it that holds the key."""
    tree = copy.deepcopy(FILES[file])
    held = tree
    for step in way[:-1]:
        held = held[step]
    return tree, held


def test_all_of_it_is_sound() -> None:
    """But that all keys together count an order more than once."""
    assert codes(compiled("", None)) == ["W317"]


@pytest.mark.parametrize(("file", "way"), KEYS, ids=name_of)
def test_misspelt(file: str, way: Way) -> None:
    """A key that nobody knows is a problem with a hint; a name of one's own leads nowhere, or is another name."""
    tree, held = changed(file, way)
    written = {f"{key}q" if key == way[-1] else key: value for key, value in held.items()}
    held.clear()
    held.update(written)
    loaded = compiled(file, tree)
    own = way[:-1] in OPEN or any(str(step) in OWN for step in way[:-1])
    assert own or {"E110", "E113", "E130"} & set(codes(loaded)), way


WRONG: tuple[Any, ...] = (
    None,
    True,
    5,
    -1.5,
    "",
    "text",
    "{{ ",
    "{{ a | b }}",
    "${env:NOPE}",
    [],
    [[1]],
    {},
    {"a": {"b": 1}},
)


@pytest.mark.parametrize(("number", "file", "way"), [(n, *key) for n, key in enumerate(KEYS)], ids=name_of)
def test_of_another_type(number: int, file: str, way: Way) -> None:
    """Each key as every third of them, so that what is alike sees them all."""
    for value in WRONG[number % 3 :: 3]:
        tree, held = changed(file, way)
        held[str(way[-1])] = value
        compiled(file, tree)


@pytest.mark.parametrize(("file", "way"), KEYS, ids=name_of)
def test_missing(file: str, way: Way) -> None:
    tree, held = changed(file, way)
    del held[str(way[-1])]
    compiled(file, tree)


NEEDED = (
    *(("tags", 0, "name"), ("tags", 0, "destination"), ("tags", 0, "triggers"), ("destinations", "box", "type")),
    *(("destinations", "vault", "token"), ("variables", "page type", "table"), ("variables", "v", "template")),
    *(("tags", 1, "sample", "by"), ("tags", 1, "once_per", "within"), ("variables", "tier", "of")),
    ("variables", "section", "table"),
)


@pytest.mark.parametrize("way", NEEDED, ids=name_of)
def test_what_is_needed_and_missing_is_said(way: Way) -> None:
    tree, held = changed("container.yaml", way)
    del held[str(way[-1])]
    assert "E113" in codes(compiled("container.yaml", tree))


@pytest.mark.parametrize(("file", "way"), KEYS, ids=name_of)
def test_twice(file: str, way: Way) -> None:
    """Whatever stands under it the second time: the first counts, and it is an error."""
    tree, held = changed(file, way)
    held["zzzz"] = 1
    text = safe_dump(tree, sort_keys=False, default_flow_style=True, width=10**9)
    key = safe_dump(way[-1], default_flow_style=True).removesuffix("...\n").strip()
    twice = text.replace("zzzz:", f"{key}:")
    assert "E102" in codes(load({**TEXTS, file: twice}))
