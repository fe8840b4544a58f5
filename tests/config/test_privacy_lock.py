"""The privacy lock: what can leave is computed from the container, and more of it is never unseen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tagserver.config.model import Container
from tagserver.config.privacy_lock import FILE, Lock, Override, Way, compare, lock_of, read_lock, written
from tagserver.config.yaml.problems import Problems
from tagserver.plugin import ConsentNeeds
from tagserver.plugin.registry import Registry

from .world import ENVIRON, Ads, Box, Vault, load


class Mailer(Box):
    """Sees the address and the mail, and needs a purpose."""

    type = "mailer"
    reads = ("event", "page", "user_data.email", "ip")
    consent = ConsentNeeds(("ad_user_data",))

    def hosts(self, settings: Any) -> tuple[str, ...]:
        """One."""
        return ("mail.example",)


class Blind(Mailer):
    """Sees nobody."""

    type = "blind"
    reads = ("event", "ecommerce")


class Book(Box):
    """Writes down."""

    type = "book"
    reads = ("user_id",)
    sink = True

    def hosts(self, settings: Any) -> tuple[str, ...]:
        """Nobody."""
        return ()


class Seen(Ads):
    """For ads; sees whom it is for."""

    type = "seen"
    reads = ("user_data", "cookie._fbp", "click.fbclid")


REGISTRY = Registry.of(Mailer, Blind, Book, Seen, Vault)


def container(tag: str = "destination: mailer", rest: str = "", **destinations: str) -> Container:
    text = "destinations:\n"
    for name in ("mailer", "blind", "book", "seen"):
        text += f"  {name}: {{type: {name}}}\n"
    text += "".join(f"  {name}: {one}\n" for name, one in destinations.items())
    text += f"tags: [{{name: T, triggers: [all], {tag}}}]\n{rest}"
    loaded = load({"container.yaml": text}, ENVIRON, REGISTRY)
    assert loaded.container is not None, loaded.problems
    return loaded.container


def way(*fields: str, host: str = "mail.example", purposes: tuple[str, ...] = ("ad_user_data",)) -> Lock:
    return Lock((Way(host, purposes, fields),), ())


VARIABLES = """
variables:
  mail: {path: user_data.email}
  hashed: {hash: "{{ mail }}", as: email}
  place: {lookup: "{{ geo.country }}", table: {DE: here}, default: "{{ client_id }}"}
  agent: {choose: [{when: {header.x-test: 1}, value: a}]}
"""


@pytest.mark.parametrize(
    ("tag", "rest", "lock"),
    [
        ("destination: mailer", "", way("ip", "user_data.email")),
        ("destination: blind", "", way()),
        ("destination: mailer, paused: true", "", Lock((), ())),
        ('destination: blind, parameters: {a: ["{{ user_data.email }}"]}', "", way("user_data.email")),
        ('destination: blind, parameters: {a: {b: "x {{ hashed }}"}}', VARIABLES, way("user_data.email")),
        ('destination: blind, parameters: {a: "{{ place }}"}', VARIABLES, way("client_id", "geo.country")),
        ('destination: blind, parameters: {a: "{{ agent }}"}', VARIABLES, way("header.x-test")),
        ('destination: blind, parameters: {a: "{{ page.path }}"}', "", way()),
        ('destination: blind, event_name: "{{ user_id }}"', "", way("user_id")),
        ('destination: blind, event_name: {purchase: "{{ user_id }}"}', "", way("user_id")),
        (
            "destination: mailer, consent: [ad_user_data, ad_storage]",
            "",
            way("ip", "user_data.email", purposes=("ad_storage", "ad_user_data")),
        ),
        ("destination: book", "", way("user_id", host="book (calls nobody)", purposes=())),
        (
            "destination: seen",
            "",
            way(
                "click.fbclid",
                "cookie._fbp",
                "user_data",
                host="box.example",
                purposes=("ad_storage", "ad_user_data"),
            ),
        ),
        ("destination: mailer", "transformations: {t: {exclude: [ip]}}", way("user_data.email")),
        ("destination: mailer", "transformations: {t: {exclude: [user_data]}}", way("ip")),
        ("destination: mailer", "transformations: {t: {exclude: [ip], tags: []}}", way("ip", "user_data.email")),
        (
            "destination: mailer",
            "transformations: {t: {exclude: [ip], when: {event: a}}}",
            way("ip", "user_data.email"),
        ),
        ("destination: mailer", "transformations: {t: {allow: [page, user_data]}}", way("user_data.email")),
        ("destination: mailer", "transformations: {t: {allow: [page]}}", way()),
        (
            "destination: seen",
            "transformations: {t: {allow: [user_data.email, cookie]}}",
            way("cookie._fbp", "user_data.email", host="box.example", purposes=("ad_storage", "ad_user_data")),
        ),
        ("destination: blind", 'transformations: {t: {set: {a: "{{ user_id }}"}}}', way("user_id")),
        ("destination: blind", "transformations: {t: {rename: {user_data.email: a}}}", way("user_data.email")),
        (
            'destination: blind, parameters: {a: "{{ user_id }}"}',
            "transformations: {t: {exclude: [user_id]}}",
            way(),
        ),
        (
            "destination: blind",
            "transformations: {t: {rename: {user_data.email: a}}, u: {exclude: [user_data, a]}}",
            way(),
        ),
    ],
)
def test_what_can_leave(tag: str, rest: str, lock: Lock) -> None:
    assert lock_of(container(tag, rest)) == lock


def test_hosts_are_those_of_the_settings_too() -> None:
    loaded = load(
        {
            "server.yaml": "egress: {allow: [proxy.internal]}\n",
            "container.yaml": 'destinations: {v: {type: vault, token: "${env:TOKEN}", api_url: "https://proxy.internal"}}\n'
            "tags: [{name: T, destination: v, triggers: [all]}]\n",
        },
        ENVIRON,
        REGISTRY,
    )
    assert loaded.container is not None, loaded.problems
    assert [one.host for one in lock_of(loaded.container).ways] == ["proxy.internal", "vault.example"]


OVERRIDE = "destination: mailer, consent: [ad_storage], consent_override: legal 2026-03"


def test_an_override_is_listed_with_its_reason() -> None:
    made = lock_of(container(OVERRIDE))
    assert made.overrides == (Override("T", ("ad_user_data",), "legal 2026-03"),)


def test_an_override_of_no_declared_purpose_is_listed_too() -> None:
    """By it the tag sees what consent would keep back."""
    made = lock_of(container("destination: book, consent: [], consent_override: our own system"))
    assert made.overrides == (Override("T", ("other purposes",), "our own system"),)


def test_a_tag_that_may_send_personal_data_anywhere_is_listed() -> None:
    made = lock_of(container("destination: mailer, redact_override: our own archive"))
    assert made.overrides == (Override("T", ("redaction",), "our own archive"),)


SAME = "destination: mailer"


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (SAME, SAME, []),
        (SAME, 'destination: mailer, parameters: {a: "{{ user_data.email }}"}', []),
        (SAME, "destination: mailer, consent: [ad_user_data, ad_storage]", ["L502"]),
        (SAME, "destination: mailer, paused: true", ["L502"]),
        (SAME, "destination: blind", ["L502"]),
        ("destination: mailer, paused: true", SAME, ["L501"]),
        ("destination: blind", SAME, ["L501"]),
        (SAME, 'destination: mailer, parameters: {a: "{{ user_id }}"}', ["L501"]),
        (SAME, 'destination: mailer, parameters: {a: "{{ user_data }}"}', ["L501"]),
        (SAME, "destination: book", ["L501"]),
        ("destination: mailer, consent: [ad_user_data, ad_storage]", SAME, ["L501"]),
        (SAME, OVERRIDE, ["L501", "L501"]),
        (OVERRIDE, OVERRIDE.replace("03", "04"), ["L501"]),
        (OVERRIDE, SAME, ["L501"]),
    ],
)
def test_wider_is_an_error_and_narrower_is_told(before: str, after: str, says: list[str]) -> None:
    """The same fields under fewer purposes are more; under more purposes, less."""
    assert [one.code for one in compare(container(after), lock_of(container(before)))] == says


def test_what_is_wider_is_said() -> None:
    after = 'destination: mailer, parameters: {a: "{{ user_id }}"}'
    (problem,) = compare(container(after), lock_of(container(SAME)))
    said = '"T" can send user_id to mail.example under ad_user_data, which the privacy lock does not allow'
    assert (problem.message, problem.path, problem.severity) == (said, "tags.T", "error")
    assert problem.place.file == "container.yaml"


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
LISTS = st.lists(NAMES, unique=True, max_size=3).map(lambda names: tuple(sorted(names)))
WAYS = st.builds(Way, NAMES, LISTS, LISTS)
LOCKS = st.builds(
    Lock,
    st.lists(WAYS, unique=True, max_size=3).map(lambda ways: tuple(sorted(ways))),
    st.lists(st.builds(Override, NAMES, LISTS, NAMES), unique=True, max_size=2).map(lambda ones: tuple(sorted(ones))),
)


@given(LOCKS)
def test_what_is_written_is_read_again(lock: Lock) -> None:
    """Whatever hosts, fields and reasons are called; and it is plain YAML."""
    text = written(lock)
    yaml.safe_load(text)
    problems = Problems()
    folder = {FILE: text}
    assert read_from(folder, problems) == lock, problems.sorted()


def read_from(files: dict[str, str], problems: Problems) -> Lock | None:
    """The lock of a folder with these files."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as name:
        for file, text in files.items():
            (Path(name) / file).write_text(text, "utf-8")
        return read_lock(Path(name), problems)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("hosts: [", "E101"),
        ("hosts: [a]", "E111"),
        ("hosts: {a: b}", "E111"),
        ("hosts: {a: [b]}", "E111"),
        ("hosts: {a: [{purposes: {a: b}}]}", "E111"),
        ("hosts: {a: [{filds: [b]}]}", "E110"),
        ("overrides: {a: b}", "E111"),
        ("overrides: [{tag: [a]}]", "E111"),
        ("[]", "E111"),
        ("\x00", "E101"),
    ],
)
def test_a_lock_that_cannot_be_read_allows_nothing_and_says_so(text: str, code: str) -> None:
    problems = Problems()
    assert read_from({FILE: text}, problems) is None
    assert code in [one.code for one in problems.sorted()]
    assert all(one.place.file == FILE for one in problems.sorted())


def test_no_lock(tmp_path: Path) -> None:
    assert read_lock(tmp_path, Problems()) is None
