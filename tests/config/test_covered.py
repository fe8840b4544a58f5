"""Files of a configuration as they may be shown: no secret that stands in them is in any line, and all else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.config.covered import COVER, LONGEST_LINE, Covered, speaks_of_secret

from .world import REGISTRY

SECRET = "sentinel-4711-of-somebody"


def shown(text: str) -> list[str]:
    files = {"container.yaml": text.encode()}
    return Covered(REGISTRY, files).lines("container.yaml", files["container.yaml"])


@pytest.mark.parametrize(
    "text",
    [
        f"destinations: {{v: {{type: vault, token: {SECRET}}}}}",
        f"destinations:\n  v.w:\n    type: vault\n    token: '{SECRET}'",
        f"destinations:\n  v:\n    type: vault\n    token: |\n      {SECRET}\n      {SECRET}-2\n    api_url: https://v.example",
        f"destinations:\n  v:\n    type: vault\n    token: >-\n      begins\n\n      {SECRET}",
        f'destinations:\n  v:\n    type: vault\n    token: "begins\n      {SECRET}"\ntags: []',
        f"destinations:\n  v:\n    type: gone\n    whatever: {SECRET}",
        f"destinations:\n  v:\n    type: gone\n    whatever: {{deep: [{SECRET}]}}",
        f"destinations:\n  v: {{token: {SECRET}}}",
        f"destinations:\n  v: {{type: vault, token: &t {SECRET}}}\n  w: {{type: vault, token: *t}}",
        f"destinations:\n  v: {{type: vault, token: {SECRET}}}\n# the old one was {SECRET}!",
        f"destinations:\n  v: {{type: hook, url: 'https://user:{SECRET}@hook.example/'}}",
        f"destinations:\n  v: {{type: hook, url: 'https://hook.example/?api_key={SECRET}'}}",
        f"tags:\n  - {{name: A, parameters: {{apiKey: {SECRET}}}}}",
        f"tags:\n  - name: A\n    parameters: {{headers: {{Authorization: Bearer {SECRET}}}}}",
        f"# token: {SECRET}",
        f"tags: [] # was: access_token = {SECRET}",
        f"destinations:\n  v:\n    type: vault\n    token: {SECRET}\n   broken: [",
        f"destinations:\n  v:\n    type: vault\n    token:\n      {SECRET}\n   broken: [",
        f"destinations:\n  v: {{type: vault, token: {SECRET}\ntags: [",
        "variables: {x: {constant: EAAB4711sentinel4711of}}",
    ],
)
def test_a_secret_is_covered(text: str) -> None:
    """Wherever it stands, also in a file that is no YAML, and in a comment."""
    lines = shown(text)
    assert len(lines) == len(text.splitlines())
    assert SECRET not in "\n".join(lines)
    assert "EAAB4711sentinel" not in "\n".join(lines)
    assert COVER in "\n".join(lines) or "[token]" in "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        "destinations: {v: {type: vault, token: '${env:TOKEN}', api_url: 'https://vault.example'}}",
        "destinations: {v: {type: vault, token: '${file:/run/secrets/token}'}}",
        "triggers: {password reset: {event: reset}, token: {event: token}}",
        "variables: {token: {cookie: _ga}}\ntags:\n  - {name: A, parameters: {token: '{{token}}'}}",
        "# access_token: ${env:TOKEN}\ntriggers:\n  a: {when: {page.path: {equals: /token/1}}}",
        "destinations: {b: {type: box, account: 'x1'}}  # Erika's box",
        "tags: [",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    """References and templates are as written."""
    assert shown(text) == text.splitlines()


def test_a_literal_is_covered_in_messages_and_names() -> None:
    """Whatever repeats the file."""
    covered = Covered(REGISTRY, {"a.yaml": f"destinations: {{v: {{type: vault, token: {SECRET}}}}}".encode()})
    assert SECRET not in covered.text(f"{SECRET} is not allowed")
    assert covered.value({"a": [SECRET], "token": "short", "n": 1, "plain": "text"}) == {
        "a": [COVER],
        "token": COVER,
        "n": 1,
        "plain": "text",
    }


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        *[(one, True) for one in ("access_token", "apiKey", "api-key", "X-Auth-Token", "PASSWORD", "client.secret")],
        *[(one, False) for one in ("event", "tokenizer", "key", "monkey", "page.path", "test_event_code", "")],
    ],
)
def test_names(name: str, secret: bool) -> None:
    assert speaks_of_secret(name) is secret


def test_a_line_is_bounded_and_safe_to_show() -> None:
    """No control character and no mark that turns the direction of reading reaches a page."""
    (line,) = shown("# \u202etxt" + "x" * 10_000)
    assert len(line) == LONGEST_LINE + 1
    assert "\u202e" not in line


@given(st.text(max_size=300), st.text(max_size=30))
def test_any_file_can_be_shown(before: str, after: str) -> None:
    """Whatever stands in it, line by line, and never the value behind the name of a secret."""
    text = f"{before}\ndestinations:\n  v:\n    type: vault\n    token: {SECRET}\n{after}"
    assert SECRET not in "\n".join(shown(text))
