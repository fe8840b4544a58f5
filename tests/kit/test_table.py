"""Destinations as tables: what is filled, how a tag's values stand beside the event's, what follows from the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tagserver import plugin
from tagserver.plugin import Destination, Group, Kind, Omitted
from tagserver.plugin.identity import (
    BIRTH_DATE,
    COUNTRY_CODE,
    EMAIL,
    EXTERNAL_ID,
    PHONE,
    REGION,
    in_clear,
    lower_text,
    own_id_rule,
    sha256_hex,
)
from tagserver.plugin.registry import Registry
from tagserver.plugin.statement import statement_faults
from tagserver.plugin.table import HASH, HASHES, Code, Field, From, Hashes, Items, Part, RuleBy, Table, Value
from tagserver.plugin.values import CURRENCY, DATA, ID, IDS, IP, NUMBER, TEXT, click_id, page_address
from tagserver.testing import make_event

A, B = sha256_hex("a@b.example"), sha256_hex("c@d.example")
MARKED = f"{'e' * 64}.AQ"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Those that rows may ask for."""

    default_country: str | None = None
    date_order: str = "month_first"
    value_from_items: bool = False
    strip_query: list[str] | None = None
    words: tuple[str, ...] = ()


def filled(part: Part, pushed: dict[str, Any], given: dict[str, Any] | None = None, **settings: Any) -> Any:
    """The group and what is left out of it."""
    facts = {"ip": "198.51.100.7", "cookies": {"_ttp": "an-id"}, "headers": {"accept-language": "de,en"}}
    omitted: list[Omitted] = []
    made = part.fill(make_event(pushed, **facts), given or {}, Settings(**settings), omitted)
    return dict(made), [f"{one.field} {one.why}" for one in omitted]


def _put_double(made: Group, event: Any, given: Any, settings: Settings) -> None:
    made["double"] = [*settings.words, event.name] * 2


ROWS: list[tuple[str, Field | Value | Items | Code, dict[str, Any], dict[str, Any], Any]] = [
    ("hashes", Field("f", EMAIL, HASHES), {"user_data": {"email": ["A@b.example", "c@d.example"]}}, {}, [A, B]),
    ("one hash", Field("f", EMAIL, HASH), {"user_data": {"email": ["A@b.example", "c@d.example"]}}, {}, A),
    ("a mark is cut", Field("f", EMAIL, HASHES), {"user_data": {"email": MARKED}}, {}, ["e" * 64]),
    ("a mark stays", Field("f", EMAIL, Hashes(marked=True)), {"user_data": {"email": MARKED}}, {}, [MARKED]),
    ("nobody", Field("f", EMAIL, HASHES), {"user_data": {"phone_number": "+4930123456"}}, {}, None),
    (
        "by a setting",
        Field("f", PHONE, HASH),
        {"user_data": {"phone_number": "030 123456"}},
        {"default_country": "DE"},
        sha256_hex("4930123456"),
    ),
    (
        "by an order",
        Field("f", BIRTH_DATE, HASH),
        {"user_data": {"date_of_birth": "2/3/1990"}},
        {"date_order": "day_first"},
        sha256_hex("19900302"),
    ),
    (
        "in its country",
        Field("f", REGION, HASH),
        {"user_data": {"address": {"region": "California", "country": "US"}}},
        {},
        sha256_hex("ca"),
    ),
    ("own ids", Field("f", EXTERNAL_ID, HASHES), {"user_id": 7}, {}, [sha256_hex("7")]),
    (
        "own ids in the clear",
        Field("f", RuleBy("external_id", lambda _: own_id_rule(None)), Hashes(marked=True)),
        {"user_id": 7},
        {},
        ["7"],
    ),
    (
        "the person in the clear",
        Field("f", in_clear("city", lower_text), TEXT),
        {"user_data": {"address": {"city": "Bonn"}}},
        {},
        "bonn",
    ),
    ("the country", Field("f", COUNTRY_CODE, TEXT), {"user_data": {"address": {"country": "Germany"}}}, {}, "de"),
    ("a path", Field("f", "ecommerce.currency", CURRENCY), {"currency": "eur"}, {}, "EUR"),
    ("a path at the top", Field("f", "search_term", TEXT), {"search_term": " tea "}, {}, "tea"),
    ("a deep path", Field("f", "a.b.c", TEXT), {"a": {"b": {"c": 1}}}, {}, "1"),
    ("of the request", Field("f", "ip", IP), {}, {}, "198.51.100.7"),
    ("a cookie", Field("f", "cookie._ttp", TEXT), {}, {}, "an-id"),
    ("the page's host", Field("f", "page.host", TEXT), {"page": {"location": "https://a.example/"}}, {}, "a.example"),
    (
        "the first that says something",
        Field("f", ("ecommerce.coupon", "code"), TEXT),
        {"ecommerce": {"coupon": ""}, "code": "X"},
        {},
        "X",
    ),
    (
        "the first that fits",
        Field("f", ("click.ttclid", "other"), click_id("ttclid"), first=True),
        {"other": "E.C"},
        {},
        "E.C",
    ),
    ("worked out", Field("f", From(lambda event: event.name.upper(), ("event",)), TEXT), {}, {}, "PURCHASE"),
    ("a list", Field("f", "ids", IDS), {"ids": "a, b"}, {}, ["a", "b"]),
    (
        "a kind by a setting",
        Field("f", "page.location", page_address),
        {"page": {"location": "https://a.example/?x=1&y=2"}},
        {"strip_query": ["x"]},
        "https://a.example/?y=2",
    ),
    ("of a tag alone", Field("f", None, TEXT), {"f": "x"}, {}, None),
    ("the value", Value("f", NUMBER), {"value": "5"}, {}, 5),
    ("no value", Value("f", NUMBER), {"items": [{"price": 2}]}, {}, None),
    (
        "what items add up to",
        Value("f", NUMBER),
        {"items": [{"price": 2, "quantity": 3}]},
        {"value_from_items": True},
        6,
    ),
    ("items", Items("f", {"sku": ("item_id", ID)}), {"items": [{"item_id": 7}]}, {}, [{"sku": "7"}]),
    ("not the event's", Items("f", {"sku": ("item_id", ID)}, of_event=False), {"items": [{"item_id": 7}]}, {}, None),
    (
        "code",
        Code(("f",), lambda made, event, given, settings: made.put("f", settings.words[0], TEXT)),
        {},
        {"words": ("x",)},
        "x",
    ),
]


@pytest.mark.parametrize(
    ("row", "pushed", "settings", "value"), [one[1:] for one in ROWS], ids=[one[0] for one in ROWS]
)
def test_a_row_fills_its_field(row: Any, pushed: dict[str, Any], settings: dict[str, Any], value: Any) -> None:
    """Alone, and the same with another field of the tag's beside it: there are not two ways that decide."""
    expected = {} if value is None else {"f": value}
    assert filled(Part("p", row), pushed, **settings) == (expected, [])
    beside = Part("p", row, Field("beside", None, TEXT))
    assert filled(beside, pushed, {"beside": "x"}, **settings)[0] == {**expected, "beside": "x"}


def test_what_does_not_fit_is_named_below_the_part() -> None:
    part = Part("p", Field("n", "value", NUMBER), Field("e", EMAIL, HASHES), label="shown")
    made, omitted = filled(part, {"value": "many", "user_data": {"email": "nobody"}})
    assert made == {}
    assert omitted[0] == "shown.n is not a plain number"
    assert omitted[1].startswith("shown.e is not an e-mail address")


@pytest.mark.parametrize(
    ("tag", "given", "made", "omitted"),
    [
        ("instead", {"n": 2}, {"n": 2}, []),
        ("over", {"n": 2}, {"n": 2}, []),
        ("instead", {"n": "many"}, {}, ["p.n is not a plain number"]),
        ("over", {"n": "many"}, {"n": 1}, ["p.n is not a plain number"]),
        ("instead", {"e": "c@d.example"}, {"n": 1, "e": [B]}, []),
        ("over", {"e": "c@d.example"}, {"n": 1, "e": [B]}, []),
        ("instead", {"own": 3}, {"n": 1}, ["p.own is none"]),
        ("over", {"own": 3}, {"n": 1}, ["p.own is none"]),
    ],
)
def test_a_tags_values_stand_beside_the_events(tag: Any, given: Any, made: Any, omitted: Any) -> None:
    """In its place, or over it where they fit; hashes go by the same rules."""
    part = Part("p", Field("n", "value", NUMBER), Field("e", EMAIL, HASHES), tag=tag, others="is none")
    assert filled(part, {"value": 1}, given) == (made, omitted)


def test_a_tags_country_counts_for_its_own_fields() -> None:
    """And the event's for those that the tag does not say."""
    part = Part("p", Field("st", REGION, HASHES), Field("c", COUNTRY_CODE, TEXT))
    pushed = {"user_data": {"address": {"region": "California", "country": "DE"}}}
    assert filled(part, pushed, {"c": "US", "st": "California"})[0] == {"st": [sha256_hex("ca")], "c": "us"}


def test_a_tags_code_may_set_its_values() -> None:
    part = Part("p", Field("n", "value", NUMBER), tag=lambda made, event, given, settings: made.update(given))
    assert filled(part, {"value": 1}, {"x": object})[0] == {"n": 1, "x": object}


@pytest.mark.parametrize(
    ("row", "made"),
    [
        (Items("l", {"sku": ("item_id", ID)}, first=True), {"l": [{"sku": "T"}]}),
        (Items("l", {"sku": ("item_id", ID)}), {"l": [{"sku": "T"}]}),
    ],
)
def test_a_tags_items_have_the_vendors_names(row: Items, made: Any) -> None:
    part = Part("p", row, tag="over")
    assert filled(part, {"items": [{"item_id": "E"}]}, {"l": [{"sku": "T"}]}) == (made, [])


def test_items_of_a_tag_that_do_not_fit_leave_the_events_only_when_they_come_after() -> None:
    for first, made in ((True, {}), (False, {"l": [{"sku": "E"}]})):
        part = Part("p", Items("l", {"sku": ("item_id", ID)}, first=first), tag="over")
        assert filled(part, {"items": [{"item_id": "E"}]}, {"l": "none"})[0] == made


def test_each_settings_has_its_own_compiled_part() -> None:
    """Also when there are more of them than are kept."""
    part = Part("p", Field("u", "page.location", page_address))
    event = make_event({"page": {"location": "https://a.example/?x=1&y=2"}})
    every = [Settings(strip_query=[key]) for key in ("x", "y") for _ in range(300)]
    made = [part.fill(event, {}, one, [])["u"] for one in every]
    assert made == ["https://a.example/?y=2"] * 300 + ["https://a.example/?x=1"] * 300


USER = Part(
    "user",
    Field("e", EMAIL, HASHES),
    Field("own", EXTERNAL_ID, HASH, path="ids[kind=OWN].value"),
    Field("city", in_clear("city"), TEXT, clear=True),
    Field("ip", "ip", IP, clear=True),
    Code(("maid",), _put_double, reads=("user_data.madid",), hashed=("maid",), free=False),
)
ORDER = Part(
    "",
    Items("lines", {"price": ("price", NUMBER)}),
    Value("value", NUMBER),
    Field("coupon", ("ecommerce.coupon", "coupon"), ID),
    Field("when", From(lambda event: event.time, ("timestamp",)), NUMBER),
    Field("page", "page.location", page_address),
    others=DATA,
)


class Acme(Destination):
    """By a table, and a little beside it."""

    type = "acme"
    table = Table(USER, ORDER, by_code=("user.e",))
    reads = ("event", "page")
    clear = ("more",)


def test_what_follows_from_the_rows() -> None:
    """The lists of the class, and what the host may ask once when it loads it."""
    table = Acme.table
    assert Acme.reads == (
        *("event", "page", "user_data.email", "user_data.sha256_email_address", "user_data.external_id", "user_id"),
        *("user_data.address.city", "ip", "user_data.madid", "ecommerce.items", "ecommerce.value"),
        *("ecommerce.coupon", "coupon", "timestamp"),
    )
    assert Acme.hashed == ("user.e", "user.ids[kind=OWN].value", "user.maid")
    assert Acme.clear == ("more", "user.city", "user.ip")
    assert table is not None
    assert table.hashed_by_host == ("user.ids[kind=OWN].value",)
    assert table.free_text == ("", "user.city", "coupon", "page")


def test_what_a_heir_states_is_its_own() -> None:

    class Heir(Acme):
        type = "heir"
        reads = (*Acme.reads, "client_id")

    assert Heir.reads == (*Acme.reads, "client_id")
    assert Heir.hashed == Acme.hashed


def test_one_text_in_place_of_a_list_is_a_fault_with_a_table_too() -> None:
    class Wrong(Acme):
        type = "wrong"
        table = Table(USER)
        reads = "user_data"  # type: ignore[assignment]  # (that is the fault)

    assert any("`reads` is the one text 'user_data'" in fault for fault in statement_faults(Wrong))


def test_the_rows_are_described_for_people() -> None:
    assert [row for row in Table(USER, ORDER).described() if "`user.maid`" not in row] == [
        ("`user.e`", "`user_data.email`", "hashed", "is no e-mail address"),
        ("`user.ids[kind=OWN].value`", "`user_data.external_id`, else `user_id`", "hashed", ""),
        ("`user.city`", "`user_data.address.city`", "in the clear", "is not text"),
        ("`user.ip`", "`ip`", "in the clear", "is no public IP address"),
        ("`lines`", "`ecommerce.items`", "", ""),
        (
            "`value`",
            "`ecommerce.value`; else the sum of the items, with `value_from_items`",
            "",
            "is not a plain number",
        ),
        ("`coupon`", "`ecommerce.coupon`, else `coupon`", "", "is no id"),
        ("`when`", "`timestamp`", "", "is not a plain number"),
        ("`page`", "`page.location`", "", ""),
    ]


def test_first_party_tables_leave_nothing_to_be_listed_twice() -> None:
    """What a table says is hashed and in the clear is what its class says, for each of ours that has one."""
    tables = {kind: cls for kind, cls in Registry.load().destinations.items() if cls.table is not None}
    assert len(tables) >= 7
    for cls in tables.values():
        assert cls.table is not None
        assert set(cls.table.hashed) <= set(cls.hashed)
        assert set(cls.table.clear) <= set(cls.clear)
        assert set(cls.table.hashed_by_host) <= set(cls.table.hashed)


def test_a_kind_cuts_what_is_too_long_and_says_so() -> None:
    part = Part("p", Field("t", "t", Kind(str, "is none", cut=3)))
    assert filled(part, {"t": "abcd"}) == ({"t": "abc"}, ["p.t is cut to 3 characters"])
    assert filled(part, {"t": "abc"}) == ({"t": "abc"}, [])


@pytest.mark.parametrize("name", ["NUMBER", "put_items", "email_text", "Identity", "Who", "event_time", "Note"])
def test_what_moved_can_still_be_imported(name: str) -> None:
    """Plugins that were written for version 0.1.0 go on as they are."""
    assert getattr(plugin, name) is not None
    assert name not in plugin.__all__


def test_what_there_is_not_is_missed() -> None:
    with pytest.raises(AttributeError, match="no attribute 'put_everything'"):
        _ = plugin.put_everything
