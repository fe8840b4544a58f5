"""A configuration that uses all that there is, events for it, and edits of the kind that people make."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

RICH = """
consent: {opt_in_regions: [EEA, GB], gpc: restrict, dnt: ignore}
destinations:
  box: {type: box, account: "4711"}
  vault: &vault {type: vault, token: "${env:TOKEN}"}
variables:
  page type: {lookup: "{{ page.path }}", table: {/: home, /cart: "{{ v }}"}, default: other}
  v: {template: "a{{ w }}b", default: 1}
  w: {path: ecommerce.value}
  c: {cookie: _ga}
  host: {url: "{{ page.location }}", part: host_without_www, format: {case: lower, trim: true, undefined: "{{ v }}"}}
  machine: {device: "{{ user_agent }}"}
  net: {truncate_ip: "{{ ip }}", default: none}
  hashed: {hash: "{{ user_data.email }}", as: email}
  day: {time: event, as: date}
  dice: {random: 99, by: "{{ client_id }}"}
  who: {coalesce: ["{{ user_id }}", "{{ client_id }}", nobody]}
  area: {split: "{{ page.path }}", by: /, index: -1}
  tier: {property: a.0.b, of: "{{ loyalty }}"}
  basket: {object: {id: "{{ ecommerce.transaction_id }}", shop: {name: "{{ host }}"}}}
  both: {list: ["{{ who }}", 1]}
  account: {environment: ACCOUNT, notes: theirs}
  build: {container: debug}
  size: {choose: [{when: {value: {greater_than: 100}}, value: large}], default: small}
  section: {regex: "{{ page.path }}", table: {"/p/(.*)": "p $1", "/c.*": c}, full_match: false, replace: true}
  profit: {calculate: ["{{ value }}", {minus: "{{ tax }}", missing: 0}, {divided by: 1.19}], format: {round: 2}}
  skus: {items: "{{ items }}", where: {item_category: [a, b]}, pluck: item_id, join: ","}
  goods: {items: "{{ items }}", sum: [price, quantity], format: {number: comma, round: 2}}
transformations:
  less: {exclude: [user_data.address, ip], strip_query: [mail], redact: true, truncate_ip: true, destinations: [box]}
  more: {rename: {a: b}, set: {c.d: "{{ tier }}"}, items: {fields: {id: item_id}}, tags: [A], when: {event: purchase}}
  few: {allow: [page, ecommerce, cookie._fbp], except_tags: [A], block_duplicates: 30d, notes: x}
triggers:
  buy: {event: [purchase, "view_*", /^add/], when: {ecommerce.value: {greater_than: 0, less_than: 9e9}}}
  any: {when: [{any: [{page.path: /a}, {page type: [a, b]}]}, {user_data.email: {exists: true}}]}
  re: {when: {page.path: {matches: "^/(a|b)+$", ignore_case: true}, ip: {in: [10.0.0.0/8, "2001:db8::/48"]}}}
  odd: {when: {not: {dice: {less_than: 5}, section: c, size: large}}, notes: y}
  own: {when: [{machine: bot}, {net: 10.0.0.0}, {hashed: {starts_with: 2}}, {day: 2026-01-01}, {area: 4}]}
  more: {when: [{account: 5}, {build: true}, {skus: 6}]}
tags:
  - {name: A, destination: box, triggers: [buy, all], exceptions: [re], parameters: {x: "{{ page type }}", y: [1, 012]}}
  - name: B
    destination: vault
    triggers: [any, re]
    consent: [ad_storage]
    vendor: {gvl_id: 89}
    event_name: "{{ v }}-{{ c }}"
    schedule: {from: 2026-11-01, until: "2036-12-01T00:00", time_zone: Europe/Berlin}
    sample: {percent: 99.5, by: "{{ who }}"}
    once_per: {key: "{{ ecommerce.transaction_id }}", within: 30d}
    priority: -3
    notes: >
      several
      lines
  - name: C
    destination: box
    triggers: [odd, own, more]
    event_name: {purchase: Bought, view_item: "Seen {{ build }}"}
    parameters: {basket: "{{ basket }}", both: "{{ both }}", goods: "{{ goods }}", profit: "{{ profit }}"}
    paused: false
"""
EVENTS: list[dict[str, Any]] = [
    {"event": "purchase", "ecommerce": {"value": 5, "currency": "EUR"}, "page": {"location": "https://a.example/cart"}},
    {"event": "view_item", "user_data": {"email": "a@example.com"}, "x": [None, {"a": "\x00"}]},
    {"event": "😀", "page": {"location": "::::"}},
]

SNIPPETS = [
    *("\t", "\x00", "\x1b", "\x85", "\u2028", "\ufeff", "\r", "\n", " ", "  ", "\n\n", "'", '"', "{", "}", "[", "]"),
    *(
        "{{",
        "}}",
        "{{ x }}",
        "{{ page type }}",
        "\\{{",
        "${env:TOKEN}",
        "${env:NOPE}",
        "${file:/etc/passwd}",
        "${",
        ":",
    ),
    *(":", ": ", "- ", "? ", "!", "!!str ", "&a ", "*a", "<<: *vault", "%", "@", "`", "|", ">", "---\n", "...\n", "#"),
    *(
        "null",
        "~",
        "true",
        "no",
        "012",
        "1e999",
        ".nan",
        "-0",
        "0x",
        "9" * 400,
        "all",
        "any",
        "exists",
        "(?=a)",
        "(",
        "*",
    ),
    *("equals", "one_of", "ignore_case: true", "type: box", "type: broken", "default", "table", "\\ud800", "\\0", "😀"),
]


@st.composite
def mutated(draw: st.DrawFn, text: str) -> str:
    """The text after a few edits of the kind that editors, merges and people make."""
    for _ in range(draw(st.integers(1, 6))):
        lines = text.splitlines(keepends=True)
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 40)))
        match draw(st.integers(0, 6)):
            case 0:
                text = text[:start] + text[end:]
            case 1 | 2:
                text = text[:start] + draw(st.sampled_from(SNIPPETS)) + text[end:]
            case 3:
                text = text[:start] + draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=8)) + text[start:]
            case 4 if lines:
                one, other = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
                lines[one], lines[other] = lines[other], lines[one]
                text = "".join(lines)
            case 5 if lines:
                one = draw(st.integers(0, len(lines) - 1))
                text = "".join([*lines[:one], lines[one], *lines[one:]])
            case _ if lines:
                one = draw(st.integers(0, len(lines) - 1))
                lines[one] = " " * draw(st.integers(0, 6)) + lines[one].lstrip(" ")
                text = "".join(lines)
    return text
