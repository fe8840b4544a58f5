"""No consent, no call, for every destination of this repository: each state of consent goes through the real pipeline,
and what comes out is compared with a table that is written down here and not taken from the plugins."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tagserver.config.configuration import ConfigurationFolder
from tagserver.config.model import Container
from tagserver.pipeline.route import Routing, route
from tagserver.plugin.registry import Registry
from tagserver.testing import NOW, make_event
from tests.consent.writers import DAY, as_field, gpp_string, head, items_of, tc_string, us_section
from tests.fake_time import OtherWallClock

from .nine import CONFIG, NAMES, TOKENS, configuration, one_event

ADS = ("ad_storage", "ad_user_data", "ad_personalization")
TABLE: dict[str, tuple[frozenset[str], bool, bool]] = {
    # needed purposes, for ads, has a restricted mode
    "meta": (frozenset(ADS[:2]), True, True),
    "snapchat": (frozenset(ADS[:2]), True, True),
    "tiktok": (frozenset(ADS[:2]), True, True),
    "pinterest": (frozenset(ADS[:2]), True, True),
    "reddit": (frozenset(ADS[:2]), True, True),
    "linkedin": (frozenset(ADS), True, False),
    "analytics": (frozenset({"analytics_storage", "ad_storage", "ad_user_data"}), False, True),
    "shop": (frozenset({"ad_user_data"}), False, True),
    "archive": (frozenset({"analytics_storage"}), False, True),
}
"""The destinations of `config/`; for the last three with what their tags add."""
CHILD = gpp_string(
    {7: us_section("usnat", 1, [1 if name.startswith("KnownChild") else 0 for name, _ in items_of("usnat", 1)])}
)

PUSHED = {key: value for key, value in one_event()["event"].items() if key != "consent"}


def expected(
    needs: frozenset[str], ads: bool, restricted: bool, granted: set[str], opted_out: bool, child: bool
) -> str:
    """Consent reference, section 9, in our own words."""
    if (child and ads) or not needs <= granted:
        return "block"
    about_ads = ads or not needs.isdisjoint(ADS)
    if not about_ads or (granted.issuperset(ADS) and not opted_out):
        return "send"
    return "restrict" if restricted else "block"


@pytest.fixture(scope="module")
def container() -> Container:
    """All nine."""
    made = configuration("/var/lib/events").compile().container
    assert made is not None
    return made


def routed(container: Container, signals: dict[str, Any]) -> Routing:
    """The event of all nine, with these signals and no others."""
    return route(container, make_event(PUSHED | signals, ip="198.51.100.7"))


def states() -> Iterator[tuple[dict[str, Any], set[str], bool, bool]]:
    """Every combination: the signals, what they grant, whether they opt out, whether they tell of a child."""
    purposes = (*ADS, "analytics_storage")
    for words in itertools.product(("granted", "denied", None, "garbled"), repeat=len(purposes)):
        said = {purpose: word for purpose, word in zip(purposes, words, strict=True) if word}
        granted = {purpose for purpose, word in said.items() if word == "granted"}
        for opted_out, child in itertools.product((False, True), repeat=2):
            signals: dict[str, Any] = {"consent": said} if said else {}
            if opted_out:
                signals["gpc"] = True
            if child:
                signals["gpp"] = CHILD
            yield signals, granted, opted_out, child


def test_the_table_is_whole(container: Container) -> None:
    """Every destination is judged, and each by what it declares and its tag adds."""
    assert set(TABLE) == set(NAMES) == set(container.destinations)


def test_no_other_state_makes_a_call(container: Container) -> None:
    """1,024 states, each through the real pipeline."""
    called = 0
    for signals, granted, opted_out, child in states():
        decisions = {decision.tag.destination.name: decision for decision in routed(container, signals).decisions}
        assert set(decisions) == set(NAMES)
        for name, row in TABLE.items():
            verdict = decisions[name].consent
            assert verdict is not None
            wanted = expected(*row, granted, opted_out, child)
            assert verdict.decision == wanted, (name, signals)
            if wanted == "block":
                assert decisions[name].decision == "block", (name, signals)
                assert not decisions[name].body, (name, signals)
            called += bool(decisions[name].body)
    assert called


@pytest.mark.parametrize(
    "signals",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"consent": "granted"}, id="a text"),
        pytest.param({"consent": {"default": dict.fromkeys(ADS, "granted")}}, id="a preset, in an unknown region"),
        pytest.param({"tcf": tc_string(head(purposes=(1, 3, 4, 7)))[:30]}, id="a TC string cut off"),
        pytest.param({"tcf": tc_string(head(interests=(1, 3, 4, 7)))}, id="legitimate interest alone"),
        pytest.param({"tcf": tc_string(head(purposes=(1,)), consents=as_field(range(1, 900)))}, id="vendors alone"),
        pytest.param({"gcs": "G111"}, id="gcs alone"),
        pytest.param({"us_privacy": "1YNN", "gpc": False}, id="US signals alone"),
    ],
)
def test_no_ads_destination_is_called(container: Container, signals: dict[str, Any]) -> None:
    """What looks like consent and is none."""
    for decision in routed(container, signals).decisions:
        if TABLE[decision.tag.destination.name][1]:
            assert decision.decision == "block"
            assert not decision.body


VENDOR = 755
ACCEPTED: dict[str, dict[str, Any]] = {
    "accepted": {"consents": as_field((VENDOR,)), "disclosed": as_field((VENDOR,))},
    "not accepted": {"consents": as_field((754,)), "disclosed": as_field((VENDOR,))},
    "not shown": {"consents": as_field((VENDOR,)), "disclosed": as_field((754,))},
    "forbidden": {
        "consents": as_field((VENDOR,)),
        "disclosed": as_field((VENDOR,)),
        "restricted": [(1, 0, [(VENDOR, VENDOR)]), (7, 0, [(VENDOR, VENDOR)])],
    },
}
GRANTS: dict[tuple[int, ...], set[str]] = {
    (1, 3, 4, 7): set(ADS),
    (1, 7): set(ADS[:2]),
    (1,): {"ad_storage"},
    (): set(),
}
"""The IAB's purposes, and ours that they stand for."""


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Container:
    """All nine, each of whose tags asks for a vendor."""
    folder = shutil.copytree(CONFIG, tmp_path_factory.mktemp("checked") / "config")
    file = folder / "container.yaml"
    file.write_text(file.read_text().replace("triggers: [all]", f"triggers: [all], vendor: {{gvl_id: {VENDOR}}}"))
    environ = TOKENS | {"ARCHIVE": "/var/lib/events"}
    made = ConfigurationFolder(folder, Registry.load(), environ, time=OtherWallClock(lambda: NOW)).compile().container
    assert made is not None
    assert all(tag.needs.vendor for tag in made.tags)
    return made


def test_no_vendor_is_called_that_was_not_accepted(checked: Container) -> None:
    """Purposes of a TC string, the vendor's standing in it, whether GDPR applies, opt-outs and children: all together,
    beside a page that grants everything."""
    reasons = set()
    granted_all = dict.fromkeys((*ADS, "analytics_storage"), "granted")
    for purposes, standing, gdpr, opted_out, child in itertools.product(
        (None, *GRANTS), ACCEPTED, (None, 0, 1), (False, True), (False, True)
    ):
        signals: dict[str, Any] = {"consent": granted_all} | ({} if gdpr is None else {"gdpr": gdpr})
        if purposes is not None:
            signals["tcf"] = tc_string(head(purposes=purposes, updated=NOW // DAY * DAY), **ACCEPTED[standing])
        if opted_out:
            signals["gpc"] = True
        if child:
            signals["gpp"] = CHILD
        in_play = gdpr == 1 or (gdpr is None and purposes is not None)
        ads = set(ADS) if not in_play else GRANTS[purposes] if purposes is not None else set()
        granted = {*ads, "analytics_storage"}
        for decision in routed(checked, signals).decisions:
            row = TABLE[decision.tag.destination.name]
            needs, for_ads, _ = row
            wanted = expected(*row, granted, opted_out, child)
            if (for_ads or needs & set(ADS)) and in_play and (purposes is None or standing != "accepted"):
                wanted = "block"
            verdict = decision.consent
            assert verdict is not None
            assert verdict.decision == wanted, (decision.tag.name, signals)
            assert bool(decision.body) <= (wanted != "block")
            reasons.add(verdict.reason)
    assert reasons == {"", "consent", "vendor", "child"}
