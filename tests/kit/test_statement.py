"""What a destination must state: each way to say nonsense is refused with a sentence that names the fix, and nothing
that the contract allows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.plugin import ConsentNeeds, Destination, Limits
from tagserver.plugin.destination import API_VERSION
from tagserver.plugin.registry import Registry
from tagserver.plugin.statement import Misstated, host_fault, stated, stated_hosts, statement_faults
from tagserver.plugin.values import CURRENCY
from tagserver.system.egress import refusal

from .post import Post, PostSettings


def changed(**members: Any) -> type[Destination]:
    """A sound destination with some members of its own."""
    return type("Changed", (Post,), members)


def bare(*left_out: str) -> type[Destination]:
    """The same without a parent that would state anything for it."""
    members = {name: value for name, value in vars(Post).items() if not name.startswith("__") and name not in left_out}
    return type("Bare", (Destination,), members)


async def asleep(self: Any, *arguments: Any) -> Any:
    """No method that may be async."""


WRONG: list[tuple[Any, str]] = [
    (bare("consent"), "`consent` is not stated: the purposes that must be granted"),
    (bare("limits"), "`limits` is not stated"),
    (bare("api_version"), "`api_version` is not stated"),
    (bare("type"), 'it has no type: write type = "acme"'),
    (bare("Settings"), "it has no Settings dataclass"),
    (bare("hosts"), "`hosts` is missing: write def hosts(self, settings)"),
    (bare("build"), "`build` is missing"),
    (bare("request"), "`request` is missing"),
    (changed(type=""), "it has no type"),
    (changed(type="a b"), "it has no type"),
    (changed(type=7), "it has no type"),
    (changed(api_version=API_VERSION + 1), f"written for plugin API {API_VERSION + 1}, and this is {API_VERSION}"),
    (changed(api_version="1"), "written for plugin API '1'"),
    (changed(api_version=True), "written for plugin API True"),
    (changed(Settings=PostSettings(account="1", token=None)), "it has no Settings dataclass"),  # type: ignore[arg-type]  # (wrong on purpose)
    (changed(Settings=dict), "it has no Settings dataclass"),
    (changed(consent="ad_storage"), "`consent` is str: write ConsentNeeds"),
    (changed(consent=ConsentNeeds("ad_storage")), "`consent.purposes` is the one text 'ad_storage': write ("),  # type: ignore[arg-type]  # (wrong on purpose)
    (changed(consent=ConsentNeeds(("marketing",))), "needs the purpose 'marketing', which there is not: known are ad_"),
    (changed(consent=ConsentNeeds(("ad_storage", 7))), "`consent.purposes` holds 7"),  # type: ignore[arg-type]  # (wrong on purpose)
    (changed(consent=ConsentNeeds((), restricted="yes")), "`consent.restricted` is 'yes'"),  # type: ignore[arg-type]  # (wrong on purpose)
    (changed(consent=ConsentNeeds((), locates="US-CA")), "`consent.locates` is no set of regions"),  # type: ignore[arg-type]  # (wrong on purpose)
    (changed(ads=True, consent=ConsentNeeds(())), "for ads must state the consent it needs: name one of ad_storage"),
    (changed(ads=True, consent=ConsentNeeds(("analytics_storage",))), "for ads must state the consent it needs"),
    (changed(ads=1), "`ads` is 1: write True or False"),
    (changed(sink="no"), "`sink` is 'no'"),
    (changed(sink=True), "`deliver` is missing: write async def deliver"),
    (changed(limits=100), "`limits` is int: write Limits(events=100)"),
    (changed(limits=Limits(events=0)), "`limits.events` is 0: write a whole number of at least 1"),
    (changed(limits=Limits(events=1.5)), "`limits.events` is 1.5"),  # type: ignore[arg-type]  # (wrong on purpose)
    (changed(limits=Limits(events=True)), "`limits.events` is True"),
    (changed(limits=Limits(bytes=-1)), "`limits.bytes` is -1"),
    (changed(limits=Limits(requests=0)), "`limits.requests` is 0"),
    (changed(limits=Limits(age=-1.0)), "`limits.age` is -1.0: write a number above zero, or None"),
    (changed(limits=Limits(age=float("nan"))), "`limits.age` is nan"),
    (changed(limits=Limits(repeat="1h")), "`limits.repeat` is '1h'"),  # type: ignore[arg-type]  # (wrong on purpose)
    (changed(reads="user_data"), "`reads` is the one text 'user_data': write ('user_data',), with the comma"),
    (changed(hashed="em"), "`hashed` is the one text 'em'"),
    (changed(clear=7), "`clear` is int in place of a list of texts"),
    (changed(person=("user_data", None)), "`person` holds None: every entry is a path, as text"),
    (changed(hashed=("a..b",)), "hashed or clear: 'a..b' is no path of a payload"),
    (changed(clear=("a[b",)), "hashed or clear: 'a[b' is no path of a payload"),
    (changed(kinds=["currency"]), "`kinds` is no map from parameters to kinds"),
    (changed(kinds={"currency": str}), "`kinds` is no map from parameters to kinds"),
    (changed(standard_events="Purchase"), "`standard_events` is no StandardEvents of texts: write"),
    (changed(hosts=("post.example",)), "`hosts` is tuple: write a method, def hosts(self, …)"),
    (changed(build=asleep), "`build` is async: it is called and not waited for"),
    (Post(), "is no Destination class: register the class itself"),
    (dict, "is no Destination class"),
]


@pytest.mark.parametrize(("destination", "says"), WRONG, ids=[says for _, says in WRONG])
def test_what_cannot_be_so_is_refused(destination: Any, says: str) -> None:
    assert [one for one in statement_faults(destination) if says in one]


@pytest.mark.parametrize(
    "destination",
    [
        Post,
        bare(),
        changed(reads=[], hashed=["em"], clear={"ip"}, person=(), kinds={"currency": CURRENCY}),
        changed(limits=Limits(age=None, repeat=60, requests=1)),
        changed(ads=True, consent=ConsentNeeds(("ad_user_data",))),
        changed(consent=ConsentNeeds(["ad_storage"], locates=frozenset())),  # type: ignore[arg-type]  # (wrong on purpose)
        type("Child", (changed(),), {}),
        *Registry.load().destinations.values(),
    ],
    ids=lambda one: one.type,
)
def test_what_the_contract_allows_is_taken(destination: type[Destination]) -> None:
    """Also what a parent of the author's own states, and all that is ours."""
    assert list(statement_faults(destination)) == []


HOSTS: list[tuple[Any, str]] = [
    ("post.example", "hosts gives the one text 'post.example' in place of a list of texts"),
    (b"post.example", "hosts gives bytes in place of a list"),
    (None, "hosts gives NoneType in place of a list"),
    ([7], "hosts gives a list with int in it"),
    (["https://post.example"], "bare names, and 'https://post.example' has a scheme: write one such as"),
    (["post.example/in"], "has a path"),
    (["post.example:443"], "has a port"),
    (["me@post.example"], "has a user name"),
    (["post.example "], "has blanks"),
    (["Post.example"], "has upper case"),
    (["*.post.example"], "is no host name"),
    (["post..example"], "is no host name"),
    (["post.example."], "is no host name"),
    (["größe.example"], "is no host name"),
    (["a" * 254], "is no host name"),
]


@pytest.mark.parametrize(("said", "says"), HOSTS, ids=[says for _, says in HOSTS])
def test_hosts_that_no_address_can_have(said: Any, says: str) -> None:
    with pytest.raises(Misstated) as caught:
        stated_hosts(said)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "said",
    [(), ["post.example"], {"localhost"}, ("api-2.post.example", "10.0.0.1", "2001:db8::1", "my_box"), iter(["a.b"])],
)
def test_bare_hosts_are_taken(said: Sequence[str]) -> None:
    assert all(host_fault(one) is None for one in stated_hosts(said))


def test_an_empty_host_is_none() -> None:
    """`urlsplit(…).hostname or ""` of an address that has none: the address is what is wrong then."""
    assert stated_hosts(["", "a.example"]) == ("a.example",)


@given(st.text(st.sampled_from("abzAZ09.-_:/@ *ß"), min_size=1, max_size=12))
def test_a_host_that_is_taken_can_be_called(host: str) -> None:
    """So that a destination never stands there with a host that matches nothing."""
    if host_fault(host) is None:
        shown = f"[{host}]" if ":" in host else host
        assert refusal(f"https://{shown}/in", (host,), ()) is None


@pytest.mark.parametrize("said", ["user_data", None, 7, [None]])
def test_every_list_of_a_method_is_looked_at(said: Any) -> None:
    with pytest.raises(Misstated, match="sees gives"):
        stated("sees", said)
