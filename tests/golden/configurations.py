"""Scenarios of the configurations that there are: those that are shipped with their cases, those that pages show, those
that stand in the tests' code, and the benchmark's. Read once, when the corpus is collected."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from tests.fast_yaml import safe_load

from .nine import GRANTED, PURPOSES, RESTRICTED, dumped, env_of, request
from .scenario import NOW, Request, Scenario
from .tables import ROOT

CASES = ".test.yaml"
AT_CASES = 1_767_225_600_000
"""When a case is received that names no time: 2026-01-01."""
CONTAINER = ("consent", "privacy", "destinations", "variables", "triggers", "tags", "transformations")
OF_SERVER = (
    "collect",
    "queue",
    "shutdown",
    "forget",
    "audit",
    "log",
    "egress",
    "environment",
    "secrets",
    "reload",
    "path_prefix",
    "debug",
)
META = '{type: meta_capi, pixel_id: "1", access_token: "${env:META_ACCESS_TOKEN}"}'
REST = {
    "destinations": f"destinations: {{meta: {META}, box: {{type: file, path: out}}, d: {META}, c: {META}}}\n",
    "triggers": "triggers:\n  purchase: {event: purchase}\n  lead: {event: lead}\n"
    "  internal: {when: {page.host: intern.example}}\n",
    "variables": "variables: {page type: {path: page.path}}\n",
    "tags": "tags:\n  - {name: Meta, destination: meta, triggers: [purchase]}\n"
    "  - {name: All, destination: meta, triggers: [all]}\n",
}
"""What a fragment leaves out."""
ALL = "tags: [{name: Meta, destination: meta, triggers: [all]}]\n"
NO_SERVER = 'collect: {origins: ["https://shop.example"]}\nenvironment: [META_PIXEL_ID, PIXEL]\n'
RICH: dict[str, Any] = {
    "client_id": "123.456",
    "user_id": "Customer-7",
    "page": {
        "location": "https://shop.example/thanks/1?utm_source=mail&fbclid=F&gclid=G#x",
        "referrer": "https://shop.example/pay",
        "title": "Thanks",
    },
    "user_data": {
        "email": " Erika@Example.com ",
        "phone_number": "+49 170 1234567",
        "address": {
            "first_name": "Erika",
            "last_name": "O'Neil",
            "city": "Köln",
            "postal_code": "50667",
            "country": "DE",
        },
    },
    "ecommerce": {
        "transaction_id": "T-1",
        "value": 129.9,
        "currency": "EUR",
        "items": [
            {"item_id": "SKU-1", "item_name": "Jacket", "item_category": "Outdoor", "price": 89.9, "quantity": 1},
            {"item_id": "B", "price": 20, "quantity": 2},
        ],
    },
    "loyalty": "gold",
}


def configurations() -> Iterator[Scenario]:
    """All of them, once each."""
    seen: set[tuple[tuple[str, str], ...]] = set()
    names: dict[str, int] = {}
    for name, files in _found():
        key = tuple(sorted(files.items()))
        if key in seen:
            continue
        seen.add(key)
        number = names[name] = names.get(name, 0) + 1
        yield made(f"config/{name}" + (f" ({number})" if number > 1 else ""), files)


def _found() -> Iterator[tuple[str, dict[str, str]]]:
    demo = ROOT / "tagserver" / "demo"
    shipped = {
        "shipped": (ROOT / "config",),
        "demo": (demo / "container",),
        "demo of all": (demo / "container", demo / "everyone"),
    }
    shipped |= {"nine": (ROOT / "tests/destinations/config",), "first": (ROOT / "tests/backup/first/config",)}
    for name, folders in shipped.items():
        yield name, {path.name: path.read_text("utf-8") for one in folders for path in sorted(one.glob("*.yaml"))}
    yield "benchmark", _benchmark()
    for page in sorted(
        {*ROOT.glob("*.md"), *ROOT.glob("config/**/*.md"), *ROOT.glob("plugins/**/*.md"), *ROOT.glob("tests/*.md")}
    ):
        for files in _shown(page.read_text("utf-8")):
            yield f"page {page.relative_to(ROOT).as_posix()}", files
    for path in sorted((ROOT / "tests").rglob("*.py")):
        if "golden" not in path.relative_to(ROOT).parts:
            for text in _texts(path):
                yield f"test {path.relative_to(ROOT).as_posix()}", completed(text)


def _benchmark() -> dict[str, str]:
    """As `tests/bench` measures: fifty tags over eight names, one of which fires."""
    names = (
        "purchase",
        "add_to_cart",
        "view_item",
        "begin_checkout",
        "search",
        "sign_up",
        "page_view",
        "generate_lead",
    )
    when = {"ecommerce.currency": ["EUR", "USD"]}
    triggers: dict[str, Any] = {"purchase": {"event": "purchase", "when": {"ecommerce.value": {"greater_than": 0}}}}
    triggers |= {
        f"t{at}": {"event": names[at % 8], "when": {"page.path": f"/thanks/{at}", **when}} for at in range(1, 50)
    }
    tags = [{"name": f"Tag {at}", "destination": "meta", "triggers": [name]} for at, name in enumerate(triggers)]
    meta = {"type": "meta_capi", "pixel_id": "1234567890", "access_token": "${env:BENCH_TOKEN}"}
    return {"container.yaml": dumped({"destinations": {"meta": meta}, "triggers": triggers, "tags": tags})}


def _shown(page: str) -> Iterator[dict[str, str]]:
    """The configurations that a page shows: files that add up, and fragments with what they leave out."""
    files: dict[str, str] = {}
    for found in re.finditer(r"^( *)```ya?ml\n(.*?)^\1```$", page, re.MULTILINE | re.DOTALL):
        block = re.sub(rf"^{found[1]}", "", found[2], flags=re.MULTILINE)
        named = re.match(r"# config/([\w.]+)\n", block)
        if named:
            files = {named[1]: block} if named[1] == "container.yaml" else {**files, named[1]: block}
            yield files
        elif _keys(block):
            yield completed(block)


def _keys(text: str) -> set[str]:
    """The parts of a configuration that a text has; empty for a text that is none."""
    try:
        value = safe_load(text)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError):
        return set()
    keys = {key for key in value if isinstance(key, str)} if isinstance(value, dict) else set()
    return keys if keys and keys <= {*CONTAINER, *OF_SERVER} else set()


def completed(text: str) -> dict[str, str]:
    """The files of a configuration that holds a text and what it leaves out."""
    keys = _keys(text)
    if keys <= set(OF_SERVER):
        return {"server.yaml": text, "container.yaml": "".join(REST.values())}
    rest = [REST[key] for key in ("destinations", "triggers", "variables", "tags") if key not in keys]
    if "tags" in keys and "destinations" in keys:  # it is whole
        rest = []
    elif "triggers" in keys and "tags" not in keys:
        rest[-1] = ALL
    return {"container.yaml": f"{text}\n{''.join(rest)}"}


def _texts(path: Path) -> Iterator[str]:
    """Containers that stand in a file of tests."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and ":" in node.value:
            text = re.sub(r"\{type: box\b", "{type: file, path: out", node.value)
            if len(text) < 50_000 and _keys(text) & {*CONTAINER, "collect"} and "type: ads" not in text:
                yield text


def made(name: str, files: Mapping[str, str]) -> Scenario:
    """A scenario of some files: their cases, and events of every name that they speak of. Without an origin nobody
    could send them."""
    files = dict(files)
    server = _loaded(files.get("server.yaml", "")) or {}
    collect = server.get("collect") if isinstance(server, dict) else None
    if not files.get("server.yaml", "").strip():
        files["server.yaml"] = NO_SERVER
    elif isinstance(server, dict) and "collect" not in server:
        files["server.yaml"] += '\ncollect: {origins: ["https://shop.example"]}\n'
    env = env_of(*files.values())
    origin = _filled((collect or {}).get("origins") or ["https://shop.example"], env)
    keys = (collect or {}).get("keys") if isinstance(collect, dict) else None
    secrets = {key: _filled([one.get("secret")], env) for key, one in (keys or {}).items() if isinstance(one, dict)}
    cases = [one for key, text in files.items() if key.endswith(CASES) for one in _cases(text, origin, secrets)]
    probes = list(_probes(files, origin, secrets))
    # By their times, and each file of cases and each probe in its order.
    return Scenario(name, files, env, tuple(sorted([*cases, *probes], key=lambda one: one.at)))


def _loaded(text: str) -> Any:
    try:
        return safe_load(text)
    except yaml.YAMLError:
        return None


def _filled(values: Any, env: Mapping[str, str]) -> str:
    text = str(values[0]) if isinstance(values, list) and values else "https://shop.example"
    text = re.sub(r"\$\{env:(\w+)\}", lambda found: env.get(found[1], ""), text)
    return "https://shop.example" if text == "*" else text


def _cases(text: str, origin: str, secrets: Mapping[str, str]) -> Iterator[Request]:
    for at, case in enumerate(_loaded(text) or []):
        event, asked = dict(case["event"]), case.get("request", {})
        if "consent" in case:
            said = case["consent"]
            event["consent"] = (
                dict.fromkeys((*PURPOSES, "functionality_storage", "personalization_storage", "security_storage"), said)
                if isinstance(said, str)
                else said
            )
        event.setdefault("event_id", f"case-{at}")
        time = event.get("timestamp")
        now = time if type(time) is int and time >= 10**12 else AT_CASES
        if "now" in asked:
            now = int(datetime.fromisoformat(str(asked["now"])).timestamp() * 1000)
        yield _request(event, now, origin, secrets.get(asked.get("source", "")), asked)


def _probes(files: Mapping[str, str], origin: str, secrets: Mapping[str, str]) -> Iterator[Request]:
    names = {"purchase", "page_view", "generate_lead", "lead", "consent"} | _event_names(files.values())
    at = NOW
    for name in sorted(names):
        some = (GRANTED, RESTRICTED, None) if name in ("purchase", "page_view") else (GRANTED,)
        for consent in some:
            at += 1000
            event = {"event": name, "event_id": f"{name}-{at - NOW}", **RICH, "consent": consent}
            event["ecommerce"] = RICH["ecommerce"] | {"transaction_id": f"T-{at - NOW}"}
            yield _request(event, at, origin)
    for name, secret in secrets.items():
        at += 1000
        event = {"event": "purchase", "event_id": f"of {name}", **RICH, "action_source": "physical_store"}
        yield _request(event, at, origin, secret)


def _event_names(texts: Iterable[str]) -> set[str]:
    """Of the triggers; a pattern is none."""
    found = {name for text in texts for name in re.findall(r"\bevent: \[?([a-z_][\w ]*)", text)}
    return {name.strip() for name in found} - {"all"}


def _request(
    event: Any, at: int, origin: str, secret: str | None = None, asked: Mapping[str, Any] | None = None
) -> Request:
    asked = asked or {}
    known = {key: asked[key] for key in ("headers", "cookies") if key in asked}
    plain = request(event, at, key=secret, **known)
    headers = tuple(
        (name, origin if name == "origin" else text) for name, text in plain.headers if name != "x-forwarded-for"
    )
    return Request(plain.body, headers, asked.get("ip", "198.51.100.7"), at)
