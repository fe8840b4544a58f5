"""What reads a stranger's text takes time by its length, whatever stands in it."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import yaml
from tagserver_ga4_client.hits import event_of
from tagserver_ga4_client.items import read_item
from tagserver_ga4_client.pairs import TooMuch, hits_of
from tagserver_ga4_client.reading import Notes
from tagserver_meta_client import Meta
from tagserver_meta_client.upload import text_in
from tagserver_segment.consent import Categories
from tagserver_segment.keys import key_in
from tagserver_segment.message import Batch, read_message
from tagserver_stape.form import read_form

from tagserver.config.collect import CollectConfig
from tagserver.consent.cookies.tools import TOOLS, cmp_readings
from tagserver.consent.decoders.google import read_ac, read_gcd, read_gcs
from tagserver.consent.decoders.gpp import read_gpp, read_gpp_sid
from tagserver.consent.decoders.tcf import read_tcf
from tagserver.consent.decoders.us import read_usp
from tagserver.consent.model.policy import ConsentPolicy
from tagserver.event.address import parse_address
from tagserver.event.click_ids import click_ids
from tagserver.event.cookies import read_cookies
from tagserver.event.identity import Identity
from tagserver.event.ip_address import clean_ip, public_ip, truncated_ip
from tagserver.event.spelling import key_of, nfc
from tagserver.event.values import js_number
from tagserver.expressions import derive
from tagserver.expressions.conditions import compile_search, matches_of_event
from tagserver.expressions.decimals import exact
from tagserver.expressions.networks import Networks, parse_network
from tagserver.inbound.clients.datalayer import Refused, read_event
from tagserver.inbound.enrich import visitor_ip, visitor_region
from tagserver.ingest.body import BadBody, split
from tagserver.logs.logs import redacted, without_contacts
from tagserver.pipeline.route import all_decisions, route
from tagserver.plugin.contract import Response
from tagserver.plugin.inbound import Refuse, RequestFacts
from tagserver.plugin.plain import number
from tagserver.plugin.registry import Registry
from tagserver.privacy.detection import scanned, without_emails
from tagserver.privacy.rules import STRICT, key_kind, names_an_id, query_kind
from tagserver.privacy.urls import clean_address, clean_outgoing, without_keys
from tagserver.records.masking.mask import Masker, answer_words, masked_id, masked_text
from tests.fast_yaml import safe_load

from ..config.world import load
from ..destinations.nine import CONFIG, TOKENS
from ..events import event, facts
from .growth import SIZES, STEP, Function, excess, excess_of_instructions, excess_of_time, instructions
from .texts import HOSTILE

POLICY = ConsentPolicy(cmp_cookies=tuple(TOOLS), cmp_vendors={"a": frozenset({"ad_storage"})})
CMP_COOKIES = (
    *("OptanonConsent", "OptanonAlertBoxClosed", "CookieConsent", "cookieyes-consent", "cmplz_marketing"),
    *("cookielawinfo-checkbox-analytics", "_iub_cs-1", "axeptio_cookies", "axeptio_authorized_vendors", "didomi_token"),
    *("klaro", "osano_consentmanager", "cookieconsent_status", "tarteaucitron", "_tracking_consent", "TC_PRIVACY"),
)
CLICK_COOKIES = ("_fbc", "_gcl_aw", "_gcl_ag", "_epik", "_scclid", "_uetmsclkid", "_twclid", "_ga", "_ga_ABC123DEF4")
NESTED = '{"event": "x", "a": %s}'


def _body(text: str) -> object:
    try:
        return split(text.encode(errors="surrogatepass"), CollectConfig())
    except BadBody as refused:
        return refused


def _form(text: str) -> object:
    try:
        return read_form(f"a.{text}=1&b[{text}]=2&c={text}".encode(errors="replace"), [])
    except Refuse as refused:
        return refused


def _hits(query: str, body: str) -> object:
    """Those of Google's tag."""
    try:
        return [event_of(hit, 0, Notes()) for hit in hits_of(query, body.encode(errors="replace"))]
    except TooMuch as refused:
        return refused


def _hit(text: str) -> object:
    """One with a text wherever it takes one."""
    named = "&".join(f"{key}={text}" for key in ("en", "dl", "gcd", "_et", "epn.a", "pr1", "ep.user_data.email"))
    return _hits(f"{named}&_p=1&cid=1&ep.{text}=1&ep.user_data.{text}=1", text), read_item(text, "pr1", Notes())


def _call(text: str) -> object:
    """One of Segment's, with a text wherever it takes one."""
    message = {
        "type": "track",
        "event": text,
        "messageId": text,
        "timestamp": text,
        "properties": {"order_id": text, "products": [{text: text, "name": text}], text: text, "email": text},
        "context": {
            "page": {"url": text, "search": f"?{text}"},
            "traits": {"name": text, "birthday": text},
            "consent": {"categoryPreferences": {text: True}},
            "externalIds": [{"type": text, "id": text}],
        },
    }
    return read_message(message, Batch(True, 0, text, "", Categories({}), {}), "", [])


_META = Meta(None, {})
_SERVER_EVENT = '{"event_name": "Lead", "event_time": 1790000000, "action_source": "website", '


def _server_event(fields: str, person: str = '"em": "a"') -> str:
    return f'{_SERVER_EVENT}"user_data": {{{person}}}, {fields}}}'


def _meta(body: str) -> object:
    content, facts = body.encode(errors="replace"), RequestFacts("", 1_790_000_000_000, {"pixel": "1"}, "", {})
    text_in(content, "access_token")
    try:
        return _META.events(content, facts)
    except Refuse as refused:
        return refused


def _person(field: str) -> Function:
    return lambda text: Identity({"user_data": {field: text, "address": {field: text, "country": "DE"}}}).identifiers()


def _masker(text: str) -> Masker:
    made = event(
        {
            "user_id": text,
            "user_data": {"email": text, "own": {text: text}},
            "page": {"location": f"https://shop.example/{text}?q={text}", "referrer": text, "title": text},
            "own": [text, {"coupon": text}],
            "items": [{"item_id": text, "item_name": text}],
        },
        cookies={"a": text},
    )
    return Masker(made, made.facts)


FUNCTIONS: Mapping[str, Function] = {
    "a number": js_number,
    "a plain number": number,
    "format: point": derive.Format(number="point"),
    "format: comma": derive.Format(number="comma", digits=2),
    "sum": lambda text: derive.items_sum([{"price": text, "quantity": text}] * 3, ["price", "quantity"]),
    "split": lambda text: derive.split(text, ",", -1),
    "a part of an address": lambda text: derive.url_part(text, "query"),
    "device": derive.device_class,
    "truncate_ip": truncated_ip,
    "hash": lambda text: [derive.hashed(text, rule) for rule in derive.HASHES],
    "regex": lambda text: derive.replaced(text, compile_search("(.*)")(text), text),
    "a pattern of the event": lambda text: matches_of_event(text[:64], text, True),
    "a long pattern of the event": lambda text: matches_of_event(text, text, False),
    "an address": lambda text: (parse_address(text).query, parse_address(text).port),
    "an address for a vendor": clean_address,
    "an address without some keys": lambda text: without_keys(text, ["a"]),
    "an address that leaves": lambda text: clean_outgoing(text, STRICT),
    "personal data in a text": scanned,
    "personal data in an encoded text": lambda text: scanned(f"@ {text}"),
    "e-mail addresses in a text": without_emails,
    "what a key names": lambda text: (key_kind(text), query_kind(text), names_an_id(text)),
    "a line of the log": redacted,
    "redact: true": without_contacts,
    "cookies": read_cookies,
    "cookies of consent tools": lambda text: cmp_readings(dict.fromkeys(CMP_COOKIES, text), POLICY),
    "click ids": lambda text: click_ids([("fbclid", text)], dict.fromkeys(CLICK_COOKIES, text), {"gclid": text}),
    "an IP address": lambda text: (clean_ip(text), public_ip(text)),
    "X-Forwarded-For": lambda text: visitor_ip(None, {"x-forwarded-for": text}, 2),
    "a region": lambda text: visitor_region({"x-country": text}, ["x-country"]),
    "a TC string": lambda text: getattr(read_tcf(text), "vendors", None),
    "a GPP string": lambda text: [read(2) for read in [getattr(read_gpp(text), "section", None)] if read],
    "gpp_sid": read_gpp_sid,
    "gcs": read_gcs,
    "gcd": read_gcd,
    "an AC string": read_ac,
    "a US privacy string": read_usp,
    **{
        f"{field} of a person": _person(field)
        for field in ("email", "phone_number", "external_id", "date_of_birth", "gender", "first_name", "street", "city")
    },
    "region of a person": _person("region"),
    "a name": nfc,
    "keys of a map": lambda text: key_of({f"{number}{text}": 1 for number in range(3)}, "größe"),
    "a calculation": exact,
    "an address in networks": Networks([parse_network("198.51.100.0/24")]).hold,
    "postal code of a person": _person("postal_code"),
    "a text in a record": masked_text,
    "an id in a record": masked_id,
    "an event in a record": lambda text: _masker(text).event(),
    "a sentence in a record": lambda text: _masker(text).sentence(f'a equals "b", is "{text}'),
    "an answer in a record": lambda text: answer_words(
        Response(200, {}, json.dumps({"message": text, "log_id": text, text: [text]}).encode()), [text.encode()], []
    ),
    "a field of a form": lambda text: _form(text.replace("&", "+")),
    "a call of Segment's": _call,
    "a hit of Google's tag": _hit,
    "a key in a body": lambda text: key_in(json.dumps({"a": text, text: [text]}).encode()),
    "a body": _body,
    "a body with a text": lambda text: _body(NESTED % ('"' + text.replace('"', "'") + '"')),
}


@pytest.mark.parametrize("reads", FUNCTIONS)
def test_a_function_takes_time_by_the_length_of_its_text(reads: str) -> None:
    """And not by its square, or worse."""
    found = {name: excess(FUNCTIONS[reads], hostile) for name, hostile in HOSTILE.items()}
    assert {name: why for name, why in found.items() if why} == {}


LANGUAGE = """
variables:
  money: {path: amount, format: {number: comma, round: 2}}
  total: {items: "{{ items }}", sum: [price, quantity]}
  names: {items: "{{ items }}", pluck: item_name, join: "{{ money }}"}
  prefixed: {items: "{{ items }}", pluck: "{{ text }}-{{ item.item_id }}-{{ text }}"}
  contents: {items: "{{ items }}", fields: {id: "{{ text }}{{ item.item_id }}", all: "{{ text }}", n: "{{ item.n }}"}}
  piece: {split: "{{ text }}", by: ",", index: -1}
  site: {url: "{{ text }}", part: host_without_www}
  key: {url: "{{ page.location }}", key: a}
  hash: {hash: "{{ text }}", as: email}
  machine: {device: "{{ text }}"}
  network: {truncate_ip: "{{ text }}"}
  kind: {regex: "{{ text }}", table: {"(.*)x": "{{ text }}$1"}}
  row: {lookup: "{{ text }}", table: {a: b}}
  net: {calculate: ["{{ amount }}", {minus: "{{ text }}", missing: 0}, {divided by: "{{ value }}", missing: 1}]}
  joined: {template: "{{ text }}/{{ money }}/{{ total }}"}
triggers:
  number: {when: {text: {greater_than: 5, less_than: "{{ money }}"}}}
  texts: {when: {any: [{text: {contains: "{{ page.title }}"}}, {text: {ends_with: x, ignore_case: true}}]}}
  pattern: {when: {text: {matches: "{{ pattern }}"}}}
  fixed: {when: {text: {matches: "^(a|b)*$"}}}
  address: {when: {page.path: {starts_with: "{{ text }}"}}}
  mail: {when: {user_data.email: {ends_with: "{{ text }}", matches: "^a@"}, user_data.email_domain: {contains: x}}}
  office: {when: {text: {in: [198.51.100.0/24, "2001:db8::/48"]}}}
transformations:
  clean: {tags: [All], redact: true, strip_query: [a], set: {copy: "{{ joined }}", items.0.item_id: "{{ piece }}"}}
"""


def _whole() -> Callable[[dict[str, Any]], object]:
    """An event through everything: nine destinations, and a tag that uses all of the language."""
    parts = safe_load((CONFIG / "container.yaml").read_text()) | safe_load(LANGUAGE)
    used = (
        "money",
        "total",
        "names",
        "prefixed",
        "contents",
        "piece",
        "site",
        "key",
        "hash",
        "machine",
        "network",
        "kind",
        "row",
        "net",
        "joined",
    )
    parts["consent"] = {"cmp_cookies": list(TOOLS), "cmp_vendors": {"a": ["ad_storage"]}}
    parts["tags"].append(
        {
            "name": "All",
            "destination": "archive",
            "triggers": ["all"],
            "exceptions": list(parts["triggers"]),
            "parameters": {one: f"{{{{ {one} }}}}" for one in used},
            "event_name": "{{ kind }}",
        }
    )
    environ = TOKENS | {"ARCHIVE": "/var/lib/events"}
    loaded = load(
        {"server.yaml": "environment: [ARCHIVE]\n", "c.yaml": yaml.safe_dump(parts)}, environ, Registry.load()
    )
    assert loaded.container is not None, loaded.problems
    container = loaded.container
    granted = dict.fromkeys(("ad_storage", "ad_user_data", "ad_personalization", "analytics_storage"), "granted")
    consent = {
        "consent": granted,
        "event_id": "e-1",
        "event": "purchase",
        "user_id": "u-1",
        "currency": "EUR",
        "value": 1,
    }

    def decide(pushed: dict[str, Any]) -> object:
        known = pushed.pop("facts", {})
        return all_decisions(container, route(container, event(consent | pushed, **known)))

    return decide


def _items(text: str) -> list[dict[str, str]]:
    return [{"item_id": text, "item_name": text, "price": text, "quantity": text, "item_category": text}]


def _shapes(text: str) -> dict[str, Any]:
    """A text wherever other products' shapes have one."""
    product = {"id": text, "name": text, "category": text, "price": text, "quantity": text, text: text}
    order = {"id": text, "revenue": text, "order": {"id": text}, "totalPrice": {"amount": text}, "email": text}
    return {
        "customerBillingEmail": text,
        "ecommerce": {"currencyCode": text, "purchase": {"actionField": order, "products": [product]}},
        "id": f"sh-{text}",
        "clientId": text,
        "context": {"document": {"location": {"href": f"https://shop.example/orders/{text}?{text}"}}},
    }


FIELDS: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "page": lambda text: {"page": {"location": text, "referrer": text, "title": text}},
    "address": lambda text: {"page": {"location": f"https://shop.example/{text}?q={text}&fbclid={text}#{text}"}},
    "person": lambda text: {
        "user_id": text,
        "client_id": text,
        "user_data": {
            **dict.fromkeys(("email", "phone_number", "external_id", "date_of_birth", "gender"), text),
            "address": dict.fromkeys(("first_name", "last_name", "street", "city", "region", "postal_code"), text),
        },
    },
    "order": lambda text: {"transaction_id": text, "value": text, "coupon": text, "items": _items(text)},
    "consent": lambda text: {
        **dict.fromkeys(("gcs", "gcd", "tcf", "addtl_consent", "us_privacy", "gpp", "gpp_sid", "gdpr", "gpc"), text),
        "facts": {"cookies": dict.fromkeys(("euconsent-v2", "usprivacy", *CMP_COOKIES), text)},
    },
    "clicks": lambda text: {
        **dict.fromkeys(("gclid", "fbc", "fbp", "ttclid"), text),
        "facts": {"cookies": dict.fromkeys((*CLICK_COOKIES, "_fbp", "_ttp"), text)},
    },
    "request": lambda text: {
        "timestamp": text,
        "action_source": text,
        "facts": {"headers": {"cookie": text, "referer": text}, "user_agent": text, "ip": text},
    },
    "others": lambda text: {"text": text, "amount": text, "pattern": text[:64], "search_term": text, "method": [text]},
    "shapes": _shapes,
    "names": lambda text: {text: text, "event": text, "event_id": text, "deep": {text: [{text: text}]}},
}


@pytest.fixture(scope="module")
def decide() -> Callable[[dict[str, Any]], object]:
    return _whole()


@pytest.mark.parametrize("where", FIELDS)
def test_an_event_takes_time_by_its_length(decide: Callable[[dict[str, Any]], object], where: str) -> None:
    """Wherever the text stands: read, decided, and built for every vendor."""
    fields = FIELDS[where]
    found = {
        name: excess_of_time(lambda text: decide(fields(text)), hostile, SIZES[:2]) for name, hostile in HOSTILE.items()
    }
    assert {name: why for name, why in found.items() if why} == {}


MANY: Mapping[str, Callable[[int], dict[str, Any]]] = {
    "items": lambda n: {"items": [{"item_id": f"i{k}", "price": 1, "quantity": 1} for k in range(n)]},
    "items that are none": lambda n: {"items": [{"item_id": "i", "price": "x", "quantity": -1}, 5] * n},
    "ids": lambda n: {"content_ids": [f"i{k}" for k in range(n)], "contents": [{"id": f"i{k}"} for k in range(n)]},
    "people": lambda n: {
        "user_data": {
            "email": [f"a{k}@b.example" for k in range(n)],
            "phone_number": [f"+49301{k:06}" for k in range(n)],
            "address": [{"city": f"b{k}"} for k in range(n)],
        }
    },
    "keys": lambda n: {f"k{k}": k for k in range(n)} | {"page": {f"k{k}": "x" for k in range(n)}},
    "cookies": lambda n: {
        "cookie": {f"cmplz_{k}_marketing": "allow" for k in range(n)},
        "facts": {"cookies": {f"_iub_cs-{k}": '{"consent":true}' for k in range(n)}},
    },
    "consent": lambda n: {"consent": {f"c{k}": "granted" for k in range(n)}, "gpp_sid": list(range(n))},
    "keys of a query": lambda n: {
        "page": {
            "location": "https://shop.example/?" + "&".join(f"k{k}=v&fbclid=f{k}" for k in range(n)),
            "referrer": "https://shop.example/?" + "&".join(f"k{k}=a%40b.example" for k in range(n)),
        }
    },
}


SHAPES: Mapping[str, Callable[[int], dict[str, Any]]] = {
    "UA": lambda n: {"ecommerce": {"purchase": {"products": [{"id": k, "category": "a/b/c"} for k in range(n)]}}},
    "UA, products that are none": lambda n: {"ecommerce": {"add": {"products": [{"id": 1}, 7] * n}}},
    "UA's impressions": lambda n: {"ecommerce": {"impressions": [{"id": k, "list": f"l{k}"} for k in range(n)]}},
    "arguments": lambda n: {str(k): "event" for k in range(n)},
    "GA4": lambda n: {"name": "a", "params": {f"p{k}": k for k in range(n)}},
    "GTM4WP": lambda n: {"orderData": {"customer": {"billing": {f"k{k}": "v" for k in range(n)}}}},
    "Shopify": lambda n: {
        "id": "sh-1",
        "name": "checkout_completed",
        "clientId": "c",
        "data": {"checkout": {"lineItems": [{"variant": {"id": f"gid://a/B/{k}"}} for k in range(n)]}},
    },
    "walkerOS": lambda n: {
        "event": "order complete",
        "nested": [{"type": "product", "data": {"id": k}} for k in range(n)],
    },
    "Adobe": lambda n: {"event": "place-order", "shoppingCartContext": {"items": [{"quantity": 1}] * n}},
    "XDM": lambda n: {
        "eventType": "commerce.purchases",
        "productListItems": [{"SKU": k, "priceTotal": 10, "quantity": 3} for k in range(n)],
    },
    "Segment": lambda n: {
        "type": "track",
        "event": "Order Completed",
        "properties": {"products": [{"product_id": k} for k in range(n)], **{f"k{k}": k for k in range(n)}},
    },
    "Tealium": lambda n: {"tealium_event": "a", "product_id": ["a"] * n, "product_name": ["b"] * (n - 1)},
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_of_many_values_takes_time_by_their_number(name: str) -> None:
    """It is read in one pass, whatever it holds."""

    def read(text: str) -> object:
        try:
            return read_event(SHAPES[name](len(text)), facts())
        except Refused as refused:
            return refused

    assert excess_of_time(read, "x".__mul__, (80, 80 * STEP)) is None


@pytest.mark.parametrize("name", MANY)
def test_an_event_of_many_values_takes_time_by_their_number(
    decide: Callable[[dict[str, Any]], object], name: str
) -> None:
    """As many as one event may hold, each of them short."""
    assert excess_of_time(lambda text: decide(MANY[name](len(text))), "x".__mul__, (80, 80 * STEP)) is None


FORMS: Mapping[str, Callable[[int], str]] = {
    "fields": lambda n: "&".join(f"a.{k}.b={k}" for k in range(n)),
    "one place": lambda n: "a.b=1&a.b.c=1&" * (n // 2),
    "numbers beyond all": lambda n: "&".join(f"a.99999999{k}.0=1" for k in range(n)),
    "numbers from behind": lambda n: "&".join(f"a[{n - k}]=1" for k in range(n)),
    "dots": lambda n: "a." * n + "=1",
    "brackets": lambda n: "a" + "[a]" * n + "=1",
    "open brackets": lambda n: "a" + "[" * n + "]=1",
    "JSON in values": lambda n: "&".join(f"a{k}=[{k}]" for k in range(n)),
    "JSON that never ends": lambda n: "a=" + "[" * n,
}


@pytest.mark.parametrize("name", FORMS)
def test_a_form_takes_time_by_its_length(name: str) -> None:
    """Whatever depth and numbers are in its names: `a.999999999=1` costs what ten letters cost."""
    assert excess_of_time(lambda text: read_form(FORMS[name](len(text)).encode(), []), "x".__mul__, (200, 1600)) is None


SERVER_EVENTS: Mapping[str, Callable[[int], str]] = {
    "many events": lambda n: _data(",".join([_server_event('"opt_out": true')] * min(n, 1000))),
    "events as texts": lambda n: json.dumps({"data": [_server_event('"opt_out": true')] * min(n, 1000)}),
    "unknown fields": lambda n: _data(_server_event(_numbered(n))),
    "custom data": lambda n: _data(_server_event(f'"custom_data": {{{_numbered(n)}}}')),
    "contents": lambda n: _data(_server_event(f'"custom_data": {{"contents": [{",".join(["{}"] * n)}]}}')),
    "telephone numbers": lambda n: _data(_server_event('"a": 1', f'"ph": {json.dumps(["a" * 64, "+49"] * n)}')),
    "fields of a form": lambda n: "&".join(f"a{k}=1" for k in range(n)),
    "parts": lambda n: '--x\r\ncontent-disposition: form-data; name="data"\r\n\r\n[]\r\n' * n,
    "a part without an end": lambda n: "--x\r\n" + "content-disposition: form-data; " * n,
    "a long boundary": lambda n: "-" * n + "\n" + "-" * n,
    "open brackets": lambda n: '{"data": "' + "[" * n + '"}',
}


def _data(events: str) -> str:
    return f'{{"data": [{events}]}}'


def _numbered(count: int) -> str:
    return ",".join(f'"a{k}": {k}' for k in range(count))


@pytest.mark.parametrize("name", SERVER_EVENTS)
def test_metas_own_door_takes_time_by_its_bodies_length(name: str) -> None:
    """Of whatever form, also where only the token is looked for."""
    assert excess_of_time(lambda text: _meta(SERVER_EVENTS[name](len(text))), "x".__mul__, (100, 800)) is None


SLOW: Mapping[str, Function] = {
    "slices": lambda text: [text[:at] for at in range(len(text))],
    "a search for each": lambda text: [one for one in text if one in text.replace(one, "")],
    "the library": lambda text: unicodedata.normalize("NFC", text),
    "a loop in a loop": lambda text: [one for at, one in enumerate(text) for other in text[:at] if one == other],
}


@pytest.mark.parametrize("name", SLOW)
def test_a_square_is_seen(name: str) -> None:
    """In instructions, or in time."""
    assert excess(SLOW[name], HOSTILE["marks above and below"])


def test_instructions_are_counted_exactly() -> None:
    """The same for the same text, whatever the machine does; and they tell a loop in a loop without any clock."""
    loop = SLOW["a loop in a loop"]
    assert instructions(loop, "abc") == instructions(loop, "abc") > instructions(loop, "ab")
    assert excess_of_instructions(loop, HOSTILE["letters"])
    assert excess_of_instructions(SLOW["the library"], HOSTILE["letters"]) is None


def test_what_is_linear_passes() -> None:
    for linear in (len, str.split, sorted, lambda text: [ord(one) for one in text]):
        assert excess(linear, HOSTILE["addresses in an address"]) is None


HITS: Mapping[str, Callable[[int], tuple[str, str]]] = {
    "a long query": lambda n: ("&".join(f"ep.a{k}=b" for k in range(n)), ""),
    "lines": lambda n: ("tid=G", "en=a\r\n" * n),
    "a long query for many lines": lambda n: ("&".join(f"ep.a{k}=b" for k in range(n)), "en=a\n" * n),
    "a long address for many lines": lambda n: (f"dl={'x' * n * 10}", "en=a\n" * n),
    "items": lambda n: ("&".join(f"pr{k}=ida~nmb" for k in range(n)), ""),
    "own fields": lambda n: ("pr1=" + "~".join(f"k{k}a~v{k}b" for k in range(n)), ""),
    "addresses": lambda n: ("&".join(f"ep.user_data.email.{k}=a" for k in range(n)), ""),
    "blank lines": lambda n: ("", "\r\n" * n),
}


@pytest.mark.parametrize("name", HITS)
def test_hits_take_time_by_their_length(name: str) -> None:
    """Also where all lines of a body share a long query: what would be a square is refused."""
    assert excess_of_time(lambda text: _hits(*HITS[name](len(text))), "x".__mul__, (200, 1600)) is None
