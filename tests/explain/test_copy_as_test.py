"""A record becomes a case: it holds by the container that decided, is about nobody, and says what it leaves out."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.config.compile import Loaded
from tagserver.config.configuration import ConfigurationFolder
from tagserver.config.yaml.problems import Problems
from tagserver.explain.asked_again import Proxies
from tagserver.explain.cases import Case, read_cases, run
from tagserver.explain.copy_as_test import NothingToAsk, asker, copy_as_test
from tagserver.plugin.registry import Registry
from tests.fast_yaml import safe_load

from ..events import NOW
from .records import record_of
from .world import ACCEPTED, CONTAINER, GRANTED, PURCHASE, REGISTRY, SECRETS, SERVER

ROOT = Path(__file__).parents[2]
SHOP = ConfigurationFolder(ROOT / "config", Registry.load(), {"META_PIXEL_ID": "1", "META_ACCESS_TOKEN": "t"})
CASES = ROOT / "tests" / "cases"
PERSON = {
    "email": "max.mustermann@web.example",
    "phone_number": "+49 170 7654329",
    "address": {"first_name": "Maximilian", "last_name": "Musterfrau", "city": "Köln", "postal_code": "50667"},
}
SENTINELS = ("mustermann", "7654329", "Maximilian", "Musterfrau", "Köln", "50667", "kunde-77", "browser-88", "T-4711")


@pytest.fixture(scope="module")
def shop() -> Loaded:
    """The configuration that is shipped."""
    return SHOP.compile()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """One with a destination of every kind."""
    folder = tmp_path_factory.mktemp("world")
    (folder / "container.yaml").write_text(CONTAINER)
    (folder / "server.yaml").write_text(SERVER)
    return ConfigurationFolder(folder, REGISTRY, SECRETS).compile()


def copied(loaded: Loaded, asked: dict[str, Any], level: Any = "full") -> tuple[str, Case]:
    """The text of the case that a question's record becomes, and the case, which holds."""
    assert loaded.container is not None
    assert loaded.server is not None
    record = record_of(loaded, asked, level)
    text = copy_as_test(record, asker(loaded.container, loaded.server))
    problems = Problems()
    (case,) = read_cases({"copied.test.yaml": text.encode()}, loaded.container, problems)
    assert [str(one) for one in problems.sorted()] == []
    report = run([case], loaded.container, loaded.server)
    assert report.failures == []
    assert len(report.passed) == 1
    return text, case


def events() -> Iterator[Any]:
    """What shops push: the cases of the shipped configuration, GA4's events and less tidy ones, with and without a
    person."""
    for case in safe_load((ROOT / "config" / "container.test.yaml").read_text("utf-8")):
        said = case["consent"]
        consent = dict.fromkeys(GRANTED, said) if isinstance(said, str) else said
        yield pytest.param({**case.get("request", {}), "event": {**case["event"], "consent": consent}}, id=case["name"])
    for name in ("ga4", "shop_data", "person"):
        for case in safe_load((CASES / f"{name}.yaml").read_text("utf-8")):
            event = {"user_data": PERSON, **case["event"], "consent": GRANTED}
            yield pytest.param({"event": event}, id=f"{name}: {case['name']}")


@pytest.mark.parametrize("level", ["full", "summary"])
@pytest.mark.parametrize("asked", list(events()))
def test_a_case_of_a_shop_holds(shop: Loaded, asked: dict[str, Any], level: str) -> None:
    text, case = copied(shop, asked, level)
    assert case.expect
    for sentinel in SENTINELS:
        assert sentinel not in text, text


@pytest.mark.parametrize("level", ["full", "summary"])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"consent": {}},
        {"consent": {**GRANTED, "ad_user_data": "denied"}},
        {"consent": {**GRANTED, "ad_personalization": "denied"}},
        {"tcf": ACCEPTED, "gdpr": 1},
        {"gpc": True},
        {"event": "generate_lead"},
        {"ecommerce": {"value": 0, "currency": "EUR"}},
        {"page": {"location": "https://staging.shop.example/cart"}},
        {"user_data": {}},
        {"timestamp": NOW - 9 * 86_400_000},
    ],
    ids=str,
)
def test_a_case_holds_by_every_kind_of_decision(world: Loaded, more: dict[str, Any], level: str) -> None:
    asked = {"event": PURCHASE | more, "now": "2026-11-24T12:00:00Z"}
    copied(world, asked, level)


def test_at_full_every_decision_is_expected(world: Loaded) -> None:
    event = PURCHASE | {"page": {"location": "https://staging.shop.example/cart"}}
    text, case = copied(world, {"event": event, "now": "2026-11-24T12:00:00Z"})
    record = record_of(world, {"event": event, "now": "2026-11-24T12:00:00Z"})
    assert case.named == {tag["tag"] for tag in record["tags"]} - {"Mute"}
    assert "# Mute is not under `expect`: it was send, and its plugin fails." in text
    assert case.expect["skip"]["Meta"] == ("exception", "internal")
    assert case.expect["send"]


def test_a_key_and_its_visitor_stay(world: Loaded) -> None:
    event = PURCHASE | {"ip_override": "203.0.113.77", "user_agent": "Agent/1", "consent": {}}
    text, case = copied(world, {"event": event, "source": "crm"})
    assert case.asked["source"] == "crm"
    assert case.asked["event"]["ip_override"] == "203.0.113.0"
    assert "Agent/1" not in text
    assert "Meta" in case.expect["send"]


def test_who_is_in_it_is_nobody(shop: Loaded) -> None:
    event = PURCHASE | {
        "event_id": "purchase_T-4711",
        "ecommerce": {"transaction_id": "T-4711", "value": 5, "currency": "EUR"},
        "user_data": PERSON,
        "user_id": "kunde-77",
        "client_id": "browser-88",
        "newsletter": {"to": PERSON["email"]},
        "page": {"location": "https://shop.example/thanks?email=max.mustermann@web.example&fbclid=Click-Maximilian-99"},
    }
    asked = {"event": event, "cookies": {"_fbp": "fb.1.1700000000000.7654329", "colleague_of": "Musterfrau"}}
    text, case = copied(shop, asked)
    for sentinel in (*SENTINELS, "Click-"):
        assert sentinel not in text, text
    made = case.asked["event"]
    assert made["user_data"]["email"] == made["newsletter"]["to"] == "erika.beispiel@example.com"
    assert made["user_data"]["address"]["first_name"] == "Erika"
    assert made["ecommerce"]["transaction_id"] in made["event_id"]
    assert made["page"]["location"].startswith("https://shop.example/thanks?email=erika.beispiel%40example.com&fbclid=")
    assert case.asked["cookies"]["_fbp"].startswith("fb.1.")


def test_fields_with_names_of_people_are_called_otherwise(shop: Loaded) -> None:
    text, case = copied(shop, {"event": PURCHASE | {"Maximilian Musterfrau": 1, "more": {"Maximilian Musterfrau": 2}}})
    assert "Musterfrau" not in text
    assert "[key" not in text
    (name,) = case.asked["event"]["more"]
    assert (case.asked["event"][name], case.asked["event"]["more"][name]) == (1, 2)


def test_a_condition_on_what_is_masked_leaves_its_tag_out(tmp_path: Path) -> None:
    trigger = '  vip: {event: purchase, when: {user_data.email: {ends_with: "@web.example"}}}\n'
    text = CONTAINER.replace("triggers:\n", f"triggers:\n{trigger}")
    text += "  - {name: Of web, destination: box, triggers: [vip]}\n"
    (tmp_path / "container.yaml").write_text(text)
    (tmp_path / "server.yaml").write_text(SERVER)
    loaded = ConfigurationFolder(tmp_path, REGISTRY, SECRETS).compile()
    said, case = copied(loaded, {"event": PURCHASE | {"user_data": PERSON}})
    assert "Of web" not in case.named
    assert "# Of web is not under `expect`: it was send, and what decides it is masked in the record." in said


def test_what_a_test_cannot_know_is_left_out(world: Loaded) -> None:
    record = record_of(world, {"event": PURCHASE})
    record["tags"][0] |= {"decision": "skip", "reason": "once_per"}
    assert world.container is not None
    assert world.server is not None
    text = copy_as_test(record, asker(world.container, world.server))
    assert "# Meta is not under `expect`: it was skip, once_per, which a test cannot know" in text


def test_a_summary_says_what_is_missing(shop: Loaded) -> None:
    text, case = copied(shop, {"event": PURCHASE}, "summary")
    assert "# With `records: {level: full}` in server.yaml a case has all of the event." in text
    assert case.asked["event"]["ecommerce"]["value"] == 59.9


def test_without_the_container_nobody_has_tried_it(shop: Loaded) -> None:
    text = copy_as_test(record_of(shop, {"event": PURCHASE}), None)
    assert "nobody has tried whether this case passes" in text
    assert shop.container is not None
    problems = Problems()
    (case,) = read_cases({"a.test.yaml": text.encode()}, shop.container, problems)
    assert "Meta purchase" in case.expect["send"]


def test_the_region_of_the_proxies_comes_again(tmp_path: Path) -> None:
    server = "collect: {trusted_proxies: 1, geo_headers: [cf-ipcountry, cf-region-code]}\n"
    german = CONTAINER.replace("  lead:", "  german: {when: {geo.country: DE}}\n  lead:")
    (tmp_path / "container.yaml").write_text(german + "  - {name: Of Germany, destination: box, triggers: [german]}\n")
    (tmp_path / "server.yaml").write_text(server)
    loaded = ConfigurationFolder(tmp_path, REGISTRY, SECRETS).compile()
    assert loaded.container is not None
    assert loaded.server is not None
    headers = {"x-forwarded-for": "203.0.113.77", "cf-ipcountry": "DE", "cf-region-code": "BE"}
    record = record_of(loaded, {"event": PURCHASE, "headers": headers})
    proxies = Proxies(1, ("cf-ipcountry", "cf-region-code"))
    text = copy_as_test(record, asker(loaded.container, loaded.server), proxies)
    (case,) = read_cases({"a.test.yaml": text.encode()}, loaded.container, Problems())
    assert run([case], loaded.container, loaded.server).failures == []
    assert "Of Germany" in case.expect["send"]


def test_a_refused_request_is_no_case(shop: Loaded) -> None:
    record = record_of(shop, {"event": PURCHASE}) | {"name": None, "event": None, "status": "refused"}
    with pytest.raises(NothingToAsk):
        copy_as_test(record, None)


@given(st.text(min_size=1), st.text(), st.dictionaries(st.text(), st.text(), max_size=3))
def test_names_of_strangers_break_nothing(name: str, value: str, more: dict[str, str]) -> None:
    loaded = _shop()
    event = {"event": name, "event_id": value or "e", "note": value, "more": more, "consent": GRANTED}
    try:
        record = record_of(loaded, {"event": event})
    except AssertionError:  # it is no event
        return
    assert loaded.container is not None
    assert loaded.server is not None
    before = copy.deepcopy(record)
    text = copy_as_test(record, asker(loaded.container, loaded.server))
    assert json.dumps(before) == json.dumps(record)
    problems = Problems()
    (case,) = read_cases({"a.test.yaml": text.encode()}, loaded.container, problems)
    assert [str(one) for one in problems.sorted()] == []
    assert case.asked["event"]["event"] == record["event"]["event"] or "[" in record["event"]["event"]
    assert run([case], loaded.container, loaded.server).failures == []


_made: list[Loaded] = []


def _shop() -> Loaded:
    if not _made:
        _made.append(SHOP.compile())
    return _made[0]
