"""What happens: events as pages, gtag, server containers and backends write them, good and garbled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.golden.generated import fields, pages, people, signals
from tests.golden.generated.drawing import Draw

NAMES = (
    *("purchase", "purchase", "purchase", "refund", "generate_lead", "page_view", "view_item", "add_to_cart"),
    *("begin_checkout", "search", "sign_up", "subscribe", "login", "view_item_list", "add_payment_info"),
)
OTHERS = (
    *("share", "spend_virtual_currency", "level_end", "exception", "view_search_results", "select_promotion"),
    *("add_to_wishlist", "remove_from_cart", "start_trial", "Order Completed", "Product Viewed", "newsletter_joined"),
    *(
        "consent",
        "gtm.js",
        "session_start",
        "_private",
        "käse",
        "ka\u0308se",
        "Purchase",
        "custom event",
        "1st",
        "contact",
    ),
    *("e" * 60, "x\0y", "<script>", "view_cart", "PURCHASE", "scroll", "file_download", "😀"),
)
CURRENCIES: tuple[Any, ...] = (
    "EUR",
    "EUR",
    "EUR",
    "USD",
    "GBP",
    "JPY",
    "CHF",
    "eur",
    " EUR ",
    "€",
    "XXX",
    "EURO",
    "",
    None,
    978,
)
VALUES: tuple[Any, ...] = (
    *(59.9, 18, 0, 120.5, "59.90", 1, "89,90", "1.234,50", "1,234.50", "1'234.50", "12 EUR", "€ 12", -5, -0.0, 1e308),
    *(
        1e-9,
        1e-7,
        1.5e-8,
        1e21,
        1e22,
        1.5e300,
        "0x1F",
        "1e400",
        0.1 + 0.2,
        10**18,
        10**25,
        "NaN",
        "Infinity",
        "1e3",
        "0x10",
        " 5 ",
        "",
        None,
        True,
        [5],
        {"amount": 5},
        "١٢",
    ),
)
_TIMES: tuple[Callable[[int], Any], ...] = (
    lambda at: at,
    lambda at: at - 90_000,
    lambda at: str(at - 1000),
    lambda at: at // 1000,
    lambda at: float(at - 2000),
    lambda at: at - 2 * 86_400_000,
    lambda at: at - 5 * 86_400_000,
    lambda at: at - 8 * 86_400_000,
    lambda at: at - 40 * 86_400_000,
    lambda at: at - 63 * 86_400_000,
    lambda at: at + 3_600_000,
    lambda at: at + 400 * 86_400_000,
    lambda _: "2026-09-21T14:10:00Z",
    lambda _: "2026-09-21T16:10:00+02:00",
    lambda _: "2026-09-20",
    lambda _: "2026-09-21 14:10:00.123456",
    lambda _: "21.09.2026",
    lambda _: "0000-00-00T00:00:00Z",
    lambda _: "9999-12-31T23:59:59+14:00",
    lambda _: 0,
    lambda _: -1,
    lambda _: True,
    lambda _: 1e300,
    lambda _: 10**30,
    lambda _: "",
    lambda _: [1_790_000_000_000],
    lambda _: "20260921T141000Z",
)
EVENT_IDS: tuple[Any, ...] = (
    *("e-1", "e-2", "e-3", 17, 1.5, "", None, "undefined", "purchase_undefined", "é" * 40, "x" * 3000, True, {}),
    *("erika@example.com", "e\0", "\ud800", "4111111111111111", "purchase_O-1"),
)
ORDERS: tuple[Any, ...] = (
    "O-1",
    "O-2",
    "O-3",
    4711,
    "012",
    "",
    None,
    "null",
    "undefined",
    "Ö-1",
    "x" * 300,
    5.0,
    True,
    [1],
)
_AGENTS: tuple[Any, ...] = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) Safari/604.1",
    "till/1.0",
    "",
    " ",
    5,
    "undefined",
)
_ADDRESSES: tuple[Any, ...] = (
    "198.51.100.23",
    "8.8.8.8",
    "2001:4860:4860::8888",
    "10.0.0.1",
    "[2a00::1]:443",
    "1.2.3.4:80",
    "x",
    5,
    "",
)
_SOURCES: tuple[Any, ...] = (
    "website",
    "physical_store",
    "app",
    "email",
    "chat",
    "business_messaging",
    "system_generated",
)
_ODD_SOURCES: tuple[Any, ...] = ("Website", "WEB", "OFFLINE", "app_ios", 5, "", "offline", "APP", "PHYSICAL_STORE")


def event(draw: Draw, at: int) -> dict[str, Any]:
    """One event that is received at `at` (ms)."""
    made: dict[str, Any] = {}
    name: Any = draw.one(NAMES if draw.chance(0.88) else OTHERS)
    if draw.chance(0.015):
        name = draw.one((None, "", 5, ["purchase"], True, {}))
    made["event" if draw.chance(0.85) else "event_name"] = name
    if draw.chance(0.02):
        made |= {"event": name, "event_name": draw.one(NAMES)}
    if draw.chance(0.75):
        unique = f"e-{draw.below(10**9)}"
        made["event_id"] = unique if draw.chance(0.75) else draw.one(EVENT_IDS)
    if draw.chance(0.5):
        made["timestamp"] = (draw.one(_TIMES[:3]) if draw.chance(0.7) else draw.one(_TIMES))(at)
    made |= _ids(draw)
    if draw.chance(0.8):
        made |= pages.page(draw)
    if draw.chance(0.85):
        made["user_data"] = people.user_data(draw) if draw.chance(0.97) else draw.one((None, "x", [], 5, {}))
    if draw.chance(0.08):
        made |= people.flat(draw)
    if draw.chance(0.97):
        made |= signals.fields(draw)
    made |= shop(draw, str(name))
    if draw.chance(0.06):
        made |= draw.made(_of_app, _of_conversation)
    if draw.chance(0.4):
        made |= draw.fields(fields.AT_TOP, 5, 1)
    if draw.chance(0.15):
        made[draw.one(("note", "bemerkung", "text", "sku", "message", "order_note"))] = draw.one(pages.TEXTS)
    if draw.chance(0.2):
        made["action_source"] = draw.one(_SOURCES if draw.chance(0.8) else _ODD_SOURCES)
    if draw.chance(0.1):
        made |= draw.fields({"user_agent": _AGENTS, "ip_override": _ADDRESSES}, 2, 1)
    if draw.chance(0.05):
        made["cookie"] = draw.one(
            (
                {"_fbp": "fb.1.1789900000000.9", "klaro": {"facebook_pixel": True}},
                "_ga=GA1.1.5.6; a=b",
                {"x" * 300: {"a": 1}, "b": True, "c": 5},
                5,
                [],
            )
        )
    if draw.chance(0.04):
        made["ctx"] = draw.one(({"consent": {"ad_storage": "denied"}}, {"gpc": True, "page": {}}, 5))
    return made


def _of_app(draw: Draw) -> dict[str, Any]:
    said = draw.fields({name: fields.AT_TOP[name] for name in fields.OF_APP}, 4, 1)
    return {"action_source": draw.one(("app", "MOBILE_APP", "APP", "app_ios")), **said}


def _of_conversation(draw: Draw) -> dict[str, Any]:
    who: dict[str, Any] = {"ctwa_clid": "ARAkLkA8", "page_id": "12345", "ig_sid": "igs-1", "page_scoped_user_id": "777"}
    known = {name: who[name] for name in draw.some(list(who), 3, 1)}
    made = {"action_source": "business_messaging", "user_data": {**known, "email": "erika@example.com"}}
    return {**made, "messaging_channel": "whatsapp"} if draw.chance(0.7) else made


def _ids(draw: Draw) -> dict[str, Any]:
    table: Mapping[str, tuple[Any, ...]] = {
        "client_id": (
            "1098115397.1789900000",
            "c-1",
            "c-2",
            17,
            "undefined",
            "GA1.1.1098115397.1789900000",
            "erika@example.com",
            {},
        ),
        "user_id": ("u-1", "u-2", 4711, "null", "", "erika@example.com", ["u"], "u" * 300),
        "session_id": ("1789990000", 1_789_990_000, "s-1", "undefined", {}),
        "page_view_id": ("v-1", "v-2", 5),
    }
    made = {
        name: draw.one(values[:3] if draw.chance(0.7) else values) for name, values in table.items() if draw.chance(0.4)
    }
    return made if draw.chance(0.95) else {**made, "external_id": draw.one(people.IDS)}


def shop(draw: Draw, name: str) -> dict[str, Any]:
    """What belongs to an order or an article, nested or at the top."""
    if name not in ("purchase", "refund", "Order Completed") and not draw.chance(0.45):
        return {}
    order = name in ("purchase", "refund", "Order Completed")
    made: dict[str, Any] = {}
    if draw.chance(0.95):
        made["value"] = draw.one(VALUES[:5] if draw.chance(0.8) else VALUES)
    if draw.chance(0.95):
        made["currency"] = draw.one(CURRENCIES[:7] if draw.chance(0.9) else CURRENCIES)
    if draw.chance(0.85 if order else 0.1):
        made["transaction_id"] = f"O-{draw.below(10**6)}" if draw.chance(0.6) else draw.one(ORDERS)
    if draw.chance(0.55):
        made["items"] = items(draw)
    if draw.chance(0.2):
        made |= draw.fields(fields.OF_SHOP, 4, 1)
    if draw.chance(0.2):
        return made
    if draw.chance(0.06):
        return {"ecommerce": made, **draw.fields({"value": (7, 59.9), "currency": ("USD",), "items": ([], 5)}, 2, 1)}
    return {"ecommerce": made if draw.chance(0.98) else draw.one((None, [], "x", 5))}


def items(draw: Draw) -> Any:
    """The items of an order."""
    if draw.chance(0.06):
        return draw.one(
            ([], "x", {}, None, [5, None, {"item_id": "T-1"}], [[]], [{}], {"0": {"item_id": "T-1"}}, [5] * 45)
        )
    many = draw.weighted((10, 1 + draw.below(3)), (1, 12), (1, 210) if draw.chance(0.1) else (1, 5))
    return [_item(draw, number) for number in range(many)]


def _item(draw: Draw, number: int) -> dict[str, Any]:
    if draw.chance(0.6):
        return {"item_id": f"T-{number}", "item_name": "Teekanne", "price": 9.5, "quantity": 1 + draw.below(3)}
    return draw.fields(fields.ITEM, 7, 1)


def again(draw: Draw, before: dict[str, Any], at: int) -> dict[str, Any]:
    """An event that comes once more: the same, with another value, or under another id."""
    made = dict(before)
    how = draw.below(5)
    if how == 0:
        return made
    shop_data = made.get("ecommerce")
    if how == 1 and isinstance(shop_data, dict):
        made["ecommerce"] = {**shop_data, "value": 77.7}
    elif how == 2:
        made["event_id"] = f"e-{draw.below(10**9)}"
    elif how == 3:
        made |= signals.fields(draw)
    else:
        made["timestamp"] = at
        made.pop("event_id", None)
    return made
