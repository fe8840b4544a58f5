"""Names that nearly exist are said with the one that was meant, wherever they may stand; a site's own are not."""

from __future__ import annotations

import pytest

from tagserver.config.compile import compile_container
from tagserver.config.lint.near_names import ITEMS
from tagserver.config.yaml.folder import LARGEST
from tagserver.event.event import MISSING, reader
from tagserver.event.known_names import FIELDS
from tagserver.event.spelling import DERIVED_PARTS, canonical
from tagserver.plugin.registry import Registry

from ..events import event
from .world import REGISTRY, load, no_file

HEAD = "destinations: {box: {type: box}, ads: {type: ads}}\n"
TAIL = "tags: [{name: A, destination: box, triggers: [t]}, {name: B, destination: ads, triggers: [t], event_name: B}]\n"


def said(text: str, tests: str = "", registry: Registry = REGISTRY) -> list[tuple[str, str]]:
    """Code and hint (up to its question mark) of all problems but those of what is not used."""
    cases = {"a.test.yaml": tests} if tests else {}
    found = load({"container.yaml": text}, registry=registry, tests=cases)
    assert found.container is not None, found.problems
    return [(one.code, one.hint.partition("?")[0] + "?") for one in found.problems if one.code != "W301"]


def meant(code: str, *names: str) -> list[tuple[str, str]]:
    return [(code, f'did you mean "{name}"?') for name in names]


def trigger(text: str) -> str:
    """A configuration with one trigger."""
    return f"{HEAD}triggers: {{t: {text}}}\n{TAIL}"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{event: purchse}", ["purchase"]),
        ("{event: Purchase}", ["purchase"]),
        ("{event: AddToCart}", ["add_to_cart"]),
        ("{event: add-to-cart}", ["add_to_cart"]),
        ("{event: InitiateCheckout}", ["begin_checkout"]),
        ("{event: initiateCheckout}", ["begin_checkout"]),
        ("{event: [view_itme, my_event, Refund]}", ["view_item", "refund"]),
        ('{event: "purchse*"}', ["purchase*"]),
        ('{event: "veiw_*"}', ["view_*"]),
        ('{event: "add_to_crat_*"}', ["add_to_cart_*"]),
        ("{when: {event: purchse}}", ["purchase"]),
        ("{when: {event_name: [purchse, view_item]}}", ["purchase"]),
        ("{when: {event: {not_equals: Purchase}}}", ["purchase"]),
        ("{when: {event: {equals: purchse, ignore_case: true}}}", ["purchase"]),
        ("{when: {any: [{event: purchse}, {not: {event: refnd}}]}}", ["purchase", "refund"]),
        # silent
        ("{event: [purchase, Purchase]}", []),
        ("{event: [purchase_b2b, my_event, sign_up2, order_completed, purchases, lead, checkout]}", []),
        ("{event: [kauf, bestellung_abgeschlossen, ajout_panier, commande_validée]}", []),
        ("{event: [consent, page_view, view_search_results, form_submit, scroll]}", []),
        ("{event: initiate_checkout}", []),
        ("{event: /purchse/}", []),
        ('{event: ["view_*", "*_item", "order_*", "purchase*", "form_*", "Add*", "*", "**"]}', []),
        ("{when: {event: {equals: Purchase, ignore_case: true}}}", []),
        ("{when: {event: [purchase, Purchase]}}", []),
        ('{when: {event: "{{ kind }}"}}', []),
        ("{when: {event: {starts_with: purchs}, kind: purchse}}", []),
    ],
)
def test_names_of_events_in_triggers(text: str, names: list[str]) -> None:
    assert said(trigger(text)) == meant("W313", *names)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('variables: {v: {lookup: "{{ event }}", table: {purchse: 1, refund: 2}}}', ["purchase"]),
        ('variables: {v: {lookup: "{{event_name}}", table: {purchse: 1}}}', ["purchase"]),
        ('variables: {v: {lookup: "{{ event }}", table: {purchase: 1, Purchase: 2}}}', []),
        ('variables: {v: {lookup: "{{ page.title }}", table: {purchse: 1}}}', []),
        ("variables: {v: {choose: [{when: {event: purchse}, value: 1}]}}", ["purchase"]),
        ("transformations: {v: {redact: true, when: {event: purchse}}}", ["purchase"]),
    ],
)
def test_names_of_events_elsewhere(text: str, names: list[str]) -> None:
    assert said(f"{trigger('{event: purchase}')}{text}\n") == meant("W313", *names)


TESTS = """
- name: ours
  event: {event: Purchase, vlaue: 5, user_data: {emial: a}, items: [{item_idd: x}], page: {pth: y}}
  expect: {silent: true}
- name: one more
  event: {event: newsletter_joined}
  expect: {silent: true}
"""


def test_what_stands_in_the_tests_is_meant() -> None:
    """As a name and as a path; and a name that is nearly one of these is named, too."""
    assert said(trigger("{event: Purchase}"), TESTS) == []
    assert said(trigger("{event: purchse}"), TESTS) == meant("W313", "purchase")
    assert said(trigger("{event: newsletter_joind}"), TESTS) == meant("W313", "newsletter_joined")
    assert said(trigger("{event: newsletter_joind}")) == []
    for path in ("vlaue", "user_data.emial", "ecommerce.items.3.item_idd", "items.0.item_idd", "page.pth"):
        assert said(trigger(f"{{when: {{{path}: {{exists: true}}}}}}"), TESTS) == [], path
        assert said(trigger(f"{{when: {{{path}: {{exists: true}}}}}}")) != [], path


@pytest.mark.parametrize(
    "tests", ["", "[", "a: b", "- x", "- {event: x}", "- {event: {}}", "- {event: {event: [a]}}", "\x00", "x" * LARGEST]
)
def test_tests_that_cannot_be_read_hurt_nobody(tests: str) -> None:
    assert said(trigger("{event: purchse}"), tests) == meant("W313", "purchase")


PATHS = [
    ("user_data.emial", "user_data.email"),
    ("user_data.phone_nubmer", "user_data.phone_number"),
    ("user_data.adress.city", "user_data.address.city"),
    ("user_data.address.frist_name", "user_data.address.first_name"),
    ("user_data.Email", "user_data.email"),
    ("ecommerce.vlaue", "ecommerce.value"),
    ("ecommerce.transactionId", "ecommerce.transaction_id"),
    ("ecommerce.itmes.0.price", "ecommerce.items.0.price"),
    ("ecommerce.items.0.item_idd", "ecommerce.items.0.item_id"),
    ("items.0.pirce", "items.0.price"),
    ("items.12.item_nmae", "items.12.item_name"),
    ("page.pth", "page.path"),
    ("page.locaton", "page.location"),
    ("page.refferer", "page.referrer"),
    ("click.fbcild", "click.fbclid"),
    ("geo.contry", "geo.country"),
    ("ecomerce.value", "ecommerce"),
]
OWN = """
user_data.loyalty_level user_data.address.county user_data.newsletter user_data.salutation user_data.segment
user_data.kunde ecommerce.margin ecommerce.order_id ecommerce.total ecommerce.revenue ecommerce.payment
ecommerce.value_net ecommerce.values ecommerce.purchase.actionField.id ecommerce.coupons page.type page.title
page.name page.lang page.category page.part page.post page.section page.query.pth page.query.emial page.port
items.0.farbe items.0.item_size items.0.item_category6 items.0.cost items.0.brand items.0.item_group_id
items.0.prices geo.city click.xclid cookie.emial header.refferer consent.marketing my_field shop.vlaue
order.itmes.0.pirce value email user_data.em user_data.address.zip items.0.item_category5
"""


@pytest.mark.parametrize(("path", "name"), PATHS)
@pytest.mark.parametrize(
    "place",
    [
        "variables: {{v: {{choose: [{{when: {{{path}: {{exists: true}}}}, value: x}}]}}}}",
        "variables: {{v: {{path: {path}}}}}",
        'variables: {{v: {{template: "a {{{{ {path} }}}} b"}}}}',
        'variables: {{v: {{lookup: "{{{{ {path} }}}}", table: {{a: b}}}}}}',
        "transformations: {{v: {{allow: [{path}]}}}}",
        "transformations: {{v: {{exclude: [{path}]}}}}",
        "transformations: {{v: {{redact: true, when: {{{path}: x}}}}}}",
    ],
)
def test_paths_that_are_misspelt(path: str, name: str, place: str) -> None:
    assert said(f"{trigger('{event: purchase}')}{place.format(path=path)}\n") == meant("W304", name)


@pytest.mark.parametrize("path", OWN.split())
def test_paths_of_ones_own(path: str) -> None:
    variables = f"variables: {{v: {{path: {path}}}, w: {{template: 'x {{{{ {path} }}}}'}}}}\n"
    assert said(trigger(f"{{when: {{{path}: x}}}}") + variables) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("transformations: {v: {set: {ecommerce.vlaue: 5}}}", ["ecommerce.value"]),
        ("transformations: {v: {rename: {order.total: ecommerce.vlaue}}}", ["ecommerce.value"]),
        ("transformations: {v: {rename: {ecommerce.vlaue: total}}}", ["ecommerce.value"]),
        ("transformations: {v: {items: {where: {item_idd: x}, fields: {id: itme_id}}}}", ["item_id", "item_id"]),
        ('variables: {v: {items: "{{ items }}", pluck: item_idd}}', ["item_id"]),
        ('variables: {v: {items: "{{ ecommerce.items }}", sum: [pirce, quantity]}}', ["price"]),
        ('variables: {v: {items: "{{ items }}", fields: {sku: item_idd, farbe: farbe}}}', ["item_id"]),
        ('variables: {v: {items: "{{ basket }}", pluck: item_idd}}', []),
        ('variables: {v: {property: emial, of: "{{ user_data }}"}}', ["user_data.email"]),
        ('variables: {v: {property: emial, of: "{{ customer }}"}}', []),
        ("privacy: {sensitive: [user_data.emial]}", ["user_data.email"]),
    ],
)
def test_fields_elsewhere(text: str, names: list[str]) -> None:
    assert said(f"{trigger('{event: purchase}')}{text}\n") == meant("W304", *names)


def test_a_variable_comes_before_a_path() -> None:
    text = trigger("{when: {user_data.emial: x}}") + "variables: {user_data.emial: {constant: x}}\n"
    assert said(text) == []


@pytest.mark.parametrize(
    "read",
    [
        trigger("{when: {items.item_id: {exists: true}}}"),
        trigger("{when: {ecommerce.items.size: XL}}"),
        trigger("{event: purchase}") + "variables: {v: {path: items.item_id}}\n",
        trigger("{event: purchase}") + "variables: {v: {items: '{{ items }}', pluck: '{{ items.item_id }}-x'}}\n",
    ],
)
def test_a_path_into_the_items_says_which_one(read: str) -> None:
    """Where one value is wanted; a transformation means each of them."""
    (code, hint) = said(read)[0]
    assert code == "W304"
    assert "items.0." in hint
    each = trigger("{event: purchase}") + "transformations: {t: {exclude: [ecommerce.items.item_brand]}}\n"
    assert said(each) == []


@pytest.mark.parametrize("group", sorted(FIELDS), ids=".".join)
def test_each_known_field_is_silent(group: tuple[str, ...]) -> None:
    place = (*group, "0") if group == ITEMS else group
    paths = ["x", *(".".join((*place, name)) for name in FIELDS[group])]
    when = ", ".join(f"{path}: {{exists: true}}" for path in paths)
    assert said(trigger(f"{{when: {{{when}}}}}")) == []


@pytest.mark.parametrize("path", sorted(DERIVED_PARTS))
def test_the_known_parts_of_others_are_read(path: tuple[str, ...]) -> None:
    there = event({"page": {"location": "https://shop.example/a?q=1#h"}, "user_data": {"email": "a@b.example"}})
    name = ".".join(path)
    assert reader(f"{name}.q" if path[1] == "query" else name)(there) is not MISSING


@pytest.mark.parametrize("group", [("user_data",), ("user_data", "address")])
def test_ours_comes_first_among_the_spellings(group: tuple[str, ...]) -> None:
    """Whoever writes `firstname` is told the name that events hold, or one that is read as it."""
    for name in FIELDS[group]:
        assert canonical(".".join((*group, name)))[0] == "user_data"


def tag(event_name: str, more: str = "", destination: str = "ads") -> str:
    return f"{HEAD}{more}\ntags: [{{name: A, destination: {destination}, triggers: [all], event_name: {event_name}}}]\n"


@pytest.mark.parametrize(
    ("event_name", "more", "names"),
    [
        ("AddToCard", "", ["AddToCart"]),
        ("Purchse", "", ["Purchase"]),
        ("InitiateCheckOut", "", ["InitiateCheckout"]),
        ("purchase", "", ["Purchase"]),
        ("begin_checkout", "", ["InitiateCheckout"]),
        ("Contcat", "", ["Contact"]),
        ("{my_event: Purchse, other: Own}", "", ["Purchase"]),
        ('"{{ n }}"', "variables: {n: {constant: Purchse}}", ["Purchase"]),
        ('"{{ n }}"', "variables: {n: {template: Purchse}}", ["Purchase"]),
        (
            '"{{ n }}"',
            'variables: {n: {lookup: "{{ page.path }}", table: {/: Purchse, /a: AddToCart}, default: AddToCard}}',
            ["Purchase", "AddToCart"],
        ),
        ('{x: "{{ n }}"}', 'variables: {n: {coalesce: ["{{ m }}", Own]}, m: {constant: Purchse}}', ["Purchase"]),
        ('"{{ n }}"', "variables: {n: {choose: [{when: {page.path: /}, value: Purchse}]}}", ["Purchase"]),
        # silent
        ("Purchase", "", []),
        ("Contact", "", []),
        ("PurchaseB2B", "", []),
        ("Leads", "", []),
        ("Newsletter", "", []),
        ('"Purchse {{ page.path }}"', "", []),
        ('"{{ n }}"', "variables: {n: {path: purchse_name}}", []),
        ('"{{ n }}"', 'variables: {n: {coalesce: ["{{ m }}"]}, m: {coalesce: [Own]}}', []),
    ],
)
def test_names_of_a_vendor(event_name: str, more: str, names: list[str]) -> None:
    assert said(tag(event_name, more)) == meant("W314", *names)


def test_a_destination_without_standard_events_takes_any_name() -> None:
    assert said(tag("Purchse", destination="box")) == []


def test_the_names_of_events_in_a_tags_table() -> None:
    assert said(tag("{purchse: Own, refund: Own2}")) == meant("W313", "purchase")
    assert said(tag("{purchase: Own, Purchase: Own2}")) == []


REAL = """
destinations:
  tiktok: {type: tiktok, pixel_code: C1, access_token: "${env:TOKEN}", events: {my_event: AddToCard, purchse: Purchase}}
  snap: {type: snapchat, pixel_id: p-1, access_token: "${env:TOKEN}", events: {purchse: PURCHASE, mine: SAVE}}
  linkedin: {type: linkedin, access_token: "${env:TOKEN}", conversions: {purchse: 104012, my_event: 104013}}
  file: {type: file, path: events, params: [page.pth, my_field]}
"""
SILENT = """
destinations:
  tiktok: {type: tiktok, pixel_code: C1, access_token: "${env:TOKEN}", events: {my_event: SubmitForm}}
  pinterest: {type: pinterest, ad_account_id: "5", access_token: "${env:TOKEN}"}
  reddit: {type: reddit, pixel_id: a2_x, access_token: "${env:TOKEN}"}
  snap: {type: snapchat, pixel_id: p-1, access_token: "${env:TOKEN}"}
  linkedin: {type: linkedin, access_token: "${env:TOKEN}", conversions: {my_event: 104012}}
  ga4: {type: ga4, measurement_id: G-ABC1234567, api_secret: "${env:TOKEN}"}
tags:
  - {name: a, destination: tiktok, triggers: [all], event_name: SubmitForm}
  - {name: b, destination: pinterest, triggers: [all], event_name: purchase}
  - {name: c, destination: reddit, triggers: [all], event_name: {x: view_item, y: CUSTOM}}
  - {name: d, destination: snap, triggers: [all], event_name: purchase, settings: {events: {my_event: SAVE}}}
  - {name: e, destination: linkedin, triggers: [all], event_name: my_event}
  - {name: f, destination: ga4, triggers: [all], event_name: purchase}
"""


def test_settings_that_name_events_and_fields() -> None:
    registry = Registry.load()
    wanted = [
        *meant("W314", "AddToCart"),
        *meant("W313", "purchase", "purchase", "purchase"),
        *meant("W304", "page.path"),
    ]
    assert said(REAL, registry=registry) == wanted
    assert said(SILENT, registry=registry) == []


@pytest.mark.parametrize(
    ("destination", "name", "like"),
    [
        ("pinterest", "chekout", "checkout"),
        ("pinterest", "purchse", "purchase"),
        ("reddit", "Purchase_", "PURCHASE"),
        ("snap", "START_CHEKOUT", "START_CHECKOUT"),
        ("ga4", "Purchase", "purchase"),
        ("tiktok", "add_to_cart", "AddToCart"),
        ("linkedin", "my_evnet", "my_event"),
    ],
)
def test_the_names_of_each_vendor(destination: str, name: str, like: str) -> None:
    head = SILENT.partition("tags:")[0]
    text = f"{head}tags: [{{name: A, destination: {destination}, triggers: [all], event_name: {name}}}]\n"
    assert said(text, registry=Registry.load()) == meant("W314", like)


def test_the_tests_are_read_only_where_they_matter() -> None:
    """A configuration whose names are all known asks for none."""

    def unread() -> dict[str, bytes]:
        raise AssertionError

    text = trigger("{event: [purchase, view_item], when: {page.path: /a, my_field: x}}").encode()
    files = {"container.yaml": text}
    loaded = compile_container(files, registry=REGISTRY, environ={}, read_file=no_file, tests=unread)
    assert loaded.container is not None
