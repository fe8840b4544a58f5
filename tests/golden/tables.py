"""Scenarios of the tables that the tests have: cases, examples of plugins, consent, operators, variables, texts. Read
once, when the corpus is collected."""

from __future__ import annotations

import itertools
import json
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.fast_yaml import safe_load

from .nine import GRANTED, RESTRICTED, SERVER, nine, request, scenario
from .scenario import NOW, Scenario

ROOT = Path(__file__).parents[2]
KNOWN = ("cookies", "headers", "ip", "user_agent", "country", "region")


def tables() -> Iterator[Scenario]:
    """All of them."""
    times: Counter[str] = Counter()
    for name, make in MADE.items():
        for one in make(name):
            times[one.name] += 1
            number = times[one.name]
            unique = one.name if number == 1 else f"{one.name} ({number})"
            yield Scenario(unique, one.files, one.env, one.requests)


def rows(path: str) -> Any:
    return safe_load((ROOT / path).read_text("utf-8"))


def granted(event: Mapping[str, Any], consent: Mapping[str, Any] = GRANTED) -> dict[str, Any]:
    """The event, with consent where it says nothing of it."""
    return {"consent": consent, **event}


def examples(name: str) -> Iterator[Scenario]:
    """Of the plugins: each case to its own destination."""
    for path in sorted((ROOT / "plugins").glob("*/examples/*.yaml")):
        kind = path.parts[-3]
        for case in safe_load(path.read_text("utf-8")):
            consent = RESTRICTED if case.get("mode") == "restrict" else GRANTED
            made = nine(types=[kind], settings=case.get("settings"), parameters=case.get("parameters"))
            known = {key: case[key] for key in KNOWN if key in case}
            event = {"event_id": "e-1", **granted(case["event"], consent)}
            yield scenario(f"{name}/{kind}/{path.stem}/{case['name']}", [request(event, **known)], made)


def ga4_events(name: str) -> Iterator[Scenario]:
    """Each recommended event of Google's, nested and flat, of somebody and of nobody, to everybody."""
    who = {
        "email": " Erika@Example.com ",
        "phone_number": "+49 170 1234567",
        "address": {
            "first_name": "Erika",
            "last_name": "Mustermann",
            "city": "Köln",
            "postal_code": "50667",
            "country": "DE",
        },
    }
    for case in rows("tests/cases/ga4.yaml"):
        plain = case["event"]
        flat = {key: value for key, value in plain.items() if key != "ecommerce"} | plain.get("ecommerce", {})
        more = {"page_location": "https://shop.example/checkout?fbclid=IwAbC", "client_id": "1.2", "consent": GRANTED}
        events = [
            {**shape, **person, **more, "event_id": f"c-{at}"}
            for at, (shape, person) in enumerate(itertools.product((plain, flat), ({}, {"user_data": who})))
        ]
        yield scenario(
            f"{name}/{case['name']}",
            [request(one, user_agent="Mozilla/5.0 (X11; Linux x86_64)") for one in events],
            nine(),
        )
    for event, fields in rows("plugins/ga4/tests/recommended.yaml").items():
        one = {
            "event": event,
            "event_id": "r-1",
            "client_id": "1.2",
            "user_id": "u-1",
            "items": [{"item_id": "A", "price": 3}],
            **fields,
        }
        yield scenario(f"{name}/recommended/{event}", [request(granted(one))], nine())


def shop_data(name: str) -> Iterator[Scenario]:
    """What shops push that is not quite sound: to Meta as the case says, and to everybody."""
    for file in ("shop_data", "person"):
        for case in rows(f"tests/cases/{file}.yaml"):
            event = {"event_id": "e-1", **case["event"], "consent": GRANTED}
            ours = nine(types=["meta_capi"], settings=case.get("settings"), parameters=case.get("parameters"))
            yield scenario(f"{name}/{file}/{case['name']}", [request(event)], ours)
            yield scenario(f"{name}/{file}/{case['name']}, to all", [request(event)], nine())


def kinds_of_values(name: str) -> Iterator[Scenario]:
    """What no vendor can use."""
    base = {
        "event": "purchase",
        "event_id": "order-1",
        "client_id": "1.2",
        "user_id": "u-1",
        "consent": GRANTED,
        "ecommerce": {"value": 5, "currency": "EUR", "transaction_id": "T-1"},
        "user_data": {"email": "erika@example.com"},
        "page": {"location": "https://shop.example/thanks"},
    }
    types = {"meta": "meta_capi", "analytics": "ga4", "shop": "webhook", "archive": "file"}
    for case in rows("tests/destinations/kinds.yaml"):
        made = nine()
        by_type = {types.get(key, key): value for key, value in case.get("parameters", {}).items()}
        for tag in made["tags"]:
            tag["parameters"] = by_type.get(tag["destination"], {})
        asked = case.get("ask", {})
        key = None if asked.get("source", "browser") == "browser" else "secret-of-backend_key"
        known = {one: asked[one] for one in KNOWN if one in asked}
        yield scenario(f"{name}/{case['name']}", [request(base | case.get("event", {}), key=key, **known)], made)
    asked = rows("tests/destinations/requests.yaml")["ask"]
    known = {one: asked[one] for one in KNOWN if one in asked}
    yield scenario(f"{name}/one event to all", [request(asked["event"], **known)], nine())


def consent(name: str) -> Iterator[Scenario]:
    """Signals in every form: of a page or a key, with the context of a batch, somewhere."""
    for case in rows("tests/consent/cases.yaml"):
        country, region = case.get("geo", (None, None))
        server = json.loads(json.dumps(SERVER))
        key = None
        if "source" in case:
            server["collect"]["keys"]["backend"] |= {"consent": case["source"], "basis": "contract"}
            key = "secret-of-backend_key"
        event = {
            "event": "purchase",
            "event_id": "e-1",
            "client_id": "1.2",
            "value": 5,
            "currency": "EUR",
            **case["event"],
        }
        said = {"events": [event], "ctx": case["ctx"]} if "ctx" in case else event
        known = {"country": country, "region": region, "headers": case.get("headers"), "key": key}
        made = nine(types=["meta_capi", "ga4", "file"], parameters={})
        yield scenario(f"{name}/{case['name']}", [request(said, **known)], made, server)


def cookies(name: str) -> Iterator[Scenario]:
    """Cookies of consent tools."""
    for case in rows("tests/consent/cookies.yaml"):
        policy = {"cmp_cookies": [case["tool"]]}
        if "vendors" in case:
            policy["cmp_vendors"] = case["vendors"]
        if "groups" in case:
            policy["onetrust_groups"] = case["groups"]
        packed = {key: b64encode(text.encode()).decode() for key, text in case.get("base64", {}).items()}
        sent = case.get("cookies", {}) | packed
        event = {"event": "purchase", "user_id": "u-1", "value": 5, "currency": "EUR"}
        raw = "; ".join(f"{key}={text}" for key, text in sent.items())
        requests = [
            request(event | {"event_id": "a"}, cookies=sent),
            request(event | {"event_id": "b"}, headers={"cookie": raw}),
        ]
        yield scenario(f"{name}/{case['name']}", requests, nine(types=["meta_capi", "ga4"], consent=policy))


def strings(name: str) -> Iterator[Scenario]:
    """Consent strings of others, in an event."""
    fields = {"tcf": "tcf", "gpp": "gpp", "usp": "us_privacy", "ac": "addtl_consent", "gcs": "gcs", "gcd": "gcd"}
    by_kind = itertools.groupby(rows("tests/consent/strings.yaml"), key=lambda case: case["kind"])
    for number, (kind, cases) in enumerate(by_kind):
        requests = []
        for at, case in enumerate(cases):
            for gdpr, now in ((1, NOW), (0, NOW + 5_000_000_000)):
                event = {"event": "purchase", "event_id": f"{at}-{gdpr}", "user_id": "u", "value": 5, "currency": "EUR"}
                event |= {fields.get(kind, kind): case["text"], "gdpr": gdpr, "gpp_sid": "2,6,7,8"}
                requests.append(request(event, now, country="DE" if gdpr else "US", region=None if gdpr else "CA"))
        requests.sort(key=lambda one: one.at)
        yield scenario(f"{name}/{kind} {number}", requests, nine(types=["meta_capi", "ga4"]))


def operators(name: str) -> Iterator[Scenario]:
    """Every operator of `when`, with values that hold and that fail."""
    for group in rows("tests/config/operators.yaml"):
        for row in group["rows"]:
            made = nine(types=["file"])
            made["tags"][0]["triggers"] = ["it"]
            made["triggers"] = {"it": "WHEN"}
            event = {"event": "purchase", "other": "b+", "number": 10, "broken": "(", "consent": GRANTED}
            events = [
                event | ({} if value == "ABSENT" else {"thing": value}) for value in (*row["holds"], *row["fails"])
            ]
            batch = [one | {"event_id": f"e-{at}"} for at, one in enumerate(events) if _is_json(one)]
            one = scenario(f"{name}/{row['when']}", [request(batch)], made)
            when = f"it: {{when: {{thing: {row['when']}}}}}"
            files = {key: text.replace("it: WHEN", when) for key, text in one.files.items()}
            yield Scenario(one.name, files, one.env, one.requests)


def comparisons(name: str) -> Iterator[Scenario]:
    """Conditions that never hold, and those that look like them."""
    for group in rows("tests/config/comparisons.yaml"):
        for row in group["rows"]:
            text = "destinations: {box: {type: file, path: out}}\n"
            text += f"variables: {row['variables']}\n" if "variables" in row else ""
            text += f"triggers: {{it: {{when: {row['when']}}}}}\n"
            text += "tags: [{name: A, destination: box, triggers: [it]}]\n"
            yield Scenario(f"{name}/{row.get('variables', '')}{row['when']}", {"container.yaml": text})


def variables(name: str) -> Iterator[Scenario]:
    """Variables that compute something, as a parameter of a webhook."""
    server = {**SERVER, "environment": ["SHOP", "UNSET", "BRACES"]}
    for case in rows("tests/config/variable_types.yaml"):
        made = nine(types=["webhook", "file"], parameters={"found": "{{ v }}"}, variables={"v": case["is"]})
        event = {"event": "purchase", "event_id": "e-1", "consent": GRANTED, **case.get("event", {})}
        known = {key: value for key, value in case.get("facts", {}).items() if key in KNOWN}
        one = scenario(f"{name}/{case['is']} {case.get('event', '')}", [request(event, **known)], made, server)
        yield Scenario(one.name, one.files, dict(one.env) | {"SHOP": "berlin", "BRACES": "{{ event }}"}, one.requests)


def problems(name: str) -> Iterator[Scenario]:
    """Configurations that have problems."""
    probe = request(granted({"event": "purchase", "event_id": "e-1", "user_id": "u-1", "value": 5, "currency": "EUR"}))
    for case in rows("tests/config/problems.yaml"):
        if all(isinstance(text, str) for text in case["files"].values()):
            files = {key: text.replace("{type: box", "{type: file, path: out") for key, text in case["files"].items()}
            files = {"server.yaml": 'collect: {origins: ["*"]}\n', "container.yaml": "", **files}
            yield Scenario(f"{name}/{case['name']}", files, {"TOKEN": "t", "SECRET": "s"}, (probe,))
    for number, case in enumerate(rows("tests/config/syntax.yaml")):
        yield Scenario(f"{name}/syntax {number}", {"container.yaml": str(case["text"])})


def texts(name: str) -> Iterator[Scenario]:
    """Personal data in texts, and addresses on their way out: everywhere in an event, with and without ad storage."""
    cases: list[tuple[str, dict[str, Any]]] = [
        (
            str(case["text"]),
            {
                "page": {"location": "https://shop.example/", "title": str(case["text"])},
                "search_term": str(case["text"]),
                "note": {"deep": [str(case["text"])]},
                "items": [{"item_id": str(case["text"]), "item_name": str(case["text"]), "price": 1}],
            },
        )
        for case in rows("tests/privacy/texts.yaml")
    ]
    cases += [
        (case["address"], {"page": {"location": case["address"], "referrer": case["address"]}, "link": case["address"]})
        for case in rows("tests/privacy/addresses.yaml")
    ]
    rules = {"by default": {}, "allowed": {"privacy": {"query_allow": ["color", "utm_*"]}}}
    for said, fields in cases:
        event = {"event": "purchase", "client_id": "1.2", "value": 5, "currency": "EUR", **fields}
        shy = {"analytics_storage": "granted", "ad_user_data": "granted"}
        requests = [
            request(event | {"event_id": "a", "consent": GRANTED}),
            request(event | {"event_id": "b", "consent": shy}),
        ]
        for rule, roots in rules.items():
            if rule == "by default" or "link" in fields:
                made = nine(
                    parameters={"note": "{{ said }}", "link": "{{ linked }}"},
                    variables={"said": {"path": "note.deep.0"}, "linked": {"path": "link"}},
                    **roots,
                )
                yield scenario(f"{name}/{said[:80]} {rule}", requests, made)


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


MADE: dict[str, Callable[[str], Iterator[Scenario]]] = {
    "example": examples,
    "ga4": ga4_events,
    "shop": shop_data,
    "kind": kinds_of_values,
    "consent": consent,
    "cookie": cookies,
    "string": strings,
    "operator": operators,
    "comparison": comparisons,
    "variable": variables,
    "problem": problems,
    "text": texts,
}
