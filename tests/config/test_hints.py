"""What people write who are new here, or think in Google Tag Manager's words: one problem each, with the way on."""

from __future__ import annotations

import pytest

from .world import load

DESTINATIONS = "destinations: {box: {type: box}}\n"
TRIGGERS = "triggers: {buy: {event: purchase}}\n"
TAG = "tags:\n  - name: A\n    destination: box\n    triggers: [buy]\n"

TAGS = [
    ("triggers: buy", "E111", "write [buy]"),
    ("triggers: [buy]\n    exceptions: buy", "E111", "write [buy]"),
    ("triggers: [buy]\n    blocking_triggers: [buy]", "E110", 'did you mean "exceptions"?'),
    ("triggers: [buy]\n    Firing Triggers: [buy]", "E110", 'did you mean "triggers"?'),
    ("triggers: [buy]\n    consent: granted", "E111", "write [ad_storage, ad_user_data]"),
    ("triggers: [buy]\n    sample: 10", "E111", "its keys are percent, by"),
    ("triggers: [buy]\n    once_per: transaction_id", "E111", "its keys are key, within"),
    ("triggers: [buy]\n    schedule: {from: 27.11.2026}", "E115", "write 2026-11-27T00:00"),
    ('triggers: [buy]\n    parameters: {a: "{{ Page Path }}"}', "E112", 'did you mean "page.path"?'),
    ('triggers: [buy]\n    parameters: {a: "{{Random Number}}"}', "E112", "define it under variables:"),
]
CONDITIONS = [
    ("{page.path: {is: /x}}", "E110", 'did you mean "equals"?'),
    ("{page.path: {does_not_contain: x}}", "E110", 'did you mean "not_contains"?'),
    ("{page.path: {equals: [a, b]}}", "E111", "one_of takes a list"),
    ("{any: {page.path: a, page.host: b}}", "E111", "write [{page.path: /sale}, {page.path: /cart}]"),
]


def only(text: str) -> tuple[str, str]:
    """The code and hint of the one problem that there is, but for what nobody uses because of it."""
    found = [one for one in load({"container.yaml": text.encode()}).problems if one.code != "W301"]
    assert len(found) == 1, found
    return found[0].code, found[0].hint


@pytest.mark.parametrize(("keys", "code", "hint"), TAGS, ids=lambda value: value[:40])
def test_tags(keys: str, code: str, hint: str) -> None:
    """Right below the tag's name and destination."""
    found = only(f"{DESTINATIONS}{TRIGGERS}tags:\n  - name: A\n    destination: box\n    {keys}\n")
    assert (found[0], found[1][: len(hint)]) == (code, hint)


@pytest.mark.parametrize(("when", "code", "hint"), CONDITIONS, ids=lambda value: value[:40])
def test_conditions(when: str, code: str, hint: str) -> None:
    """In a trigger."""
    assert only(f"{DESTINATIONS}triggers: {{buy: {{when: {when}}}}}\n{TAG}") == (code, hint)


def test_a_table_as_google_exports_it() -> None:
    """A list of rows."""
    variables = 'variables: {kind: {lookup: "{{ page.path }}", table: [{key: /, value: home}]}}\n'
    found = only(f'{DESTINATIONS}{TRIGGERS}{variables}{TAG}    parameters: {{a: "{{{{ kind }}}}"}}\n')
    assert found == ("E111", "write {/: home, /cart: cart}")


def test_a_setting_cannot_differ_from_event_to_event() -> None:
    """Google's one tag with a table of pixel ids."""
    found = only('destinations: {box: {type: box, account: "{{ pixel }}"}}\n' + TRIGGERS + TAG)
    assert found == ("E115", "write one destination for each account; ${env:NAME} differs from server to server")
