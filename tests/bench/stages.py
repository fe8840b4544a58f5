"""What one event costs inside the process: stage by stage (`stage_profile`), the parts that protect somebody, and one
more tag.

Times of the parts are the best of several repeats, in microseconds; ratios within one run are what counts.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import timeit
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

from tagserver.config.collect import CollectConfig
from tagserver.config.configuration import ConfigurationFolder
from tagserver.config.model import Container
from tagserver.consent.cache import ConsentCache
from tagserver.consent.gate import decide
from tagserver.consent.model.policy import ConsentPolicy, Needs, VendorCheck
from tagserver.event.event import Event
from tagserver.inbound.clients.datalayer import read_event
from tagserver.inbound.enrich import read_facts
from tagserver.ingest.body import split
from tagserver.outgoing.known_secrets import KnownSecrets
from tagserver.outgoing.redaction import clean_data
from tagserver.pipeline.route import route
from tagserver.plugin.registry import Registry
from tagserver.privacy.rules import STRICT
from tagserver.queue.encryption import Encryption
from tagserver.queue.values import Delivery
from tests.bench import stage_profile
from tests.bench.container import NAMES, OTHERS, write_config
from tests.bench.goals import Report
from tests.bench.purchase import purchase
from tests.consent.writers import DAY, as_field, head, tc_string
from tests.events import consent_of

SMALLEST = 0.001
"""Microseconds that are told from nothing."""
BODY = json.dumps(purchase()).encode()


def best(work: Callable[[], object], repeats: int, number: int = 500) -> float:
    """Microseconds of one call."""
    return min(timeit.repeat(work, number=number, repeat=repeats)) / number * 1e6


def container(tags: int, names: tuple[str, ...] = NAMES) -> Container:
    """The benchmark's container with so many tags."""
    with tempfile.TemporaryDirectory() as folder:
        write_config(Path(folder), {"meta": 9}, tags, names)
        loaded = ConfigurationFolder(Path(folder), Registry.load(), {"BENCH_TOKEN": "x"}).compile()
    assert loaded.container is not None, loaded.problems
    return loaded.container


def fresh() -> Event:
    """One event, decoded anew: what is derived from it is derived anew, too."""
    facts = read_facts("browser", time.time_ns() // 1_000_000, {"user-agent": "bench"}, "198.51.100.7")
    return read_event(split(BODY, CollectConfig())[0][0], facts)


def _decide(made: Container) -> object:
    return route(made, fresh())


def one_more_tag(
    report: Report, goal: str, event: float, repeats: int, names: tuple[str, ...], few: int, many: int
) -> None:
    """Report what a tag costs that does not fire, from two containers measured in turn."""
    containers = container(few, names), container(many, names)
    both = [[best(partial(_decide, made), 1) for made in containers] for _ in range(repeats)]
    small, large = (min(times) for times in zip(*both, strict=True))
    cost = max(SMALLEST, (large - small) / (many - few))
    report.row(goal, cost, f"{cost / event * 100:.3f} % of an event")


def leaving(made: Container, event: float, repeats: int) -> None:
    """Print what it costs that nobody's data leaves by mistake, and that nothing can be read where it rests."""
    pushed = fresh()
    (decision,) = (one for one in route(made, pushed).decisions if one.built is not None)
    assert decision.built is not None
    fields, body = decision.tag.destination.fields, decision.built.body
    looked = best(lambda: clean_data(pushed.data, STRICT), repeats)
    hashes = best(lambda: fields.only_hashes(body), repeats)
    print(
        f"  {looked:.1f} us to look through an event for personal data, {looked / event:.0%} of it, once for all tags"
    )
    print(f"  {hashes:.1f} us to look whether hashes are hashes, for each tag")
    for number in (1, 10, 1000):
        secrets = KnownSecrets(token_urlsafe(60) for _ in range(number))
        sought = best(partial(secrets.place_in, decision.body, decision.built.name, ""), repeats)
        print(
            f"  {sought:.1f} us to look for {number} secrets in a payload of {len(decision.body)} bytes, for each tag"
        )
    encryption = Encryption([bytes(32)])
    row = Delivery(
        key=b"",
        event_id=pushed.event_id,
        name=decision.built.name,
        tag=decision.tag.name,
        destination=decision.tag.destination.name,
        container="",
        mode="send",
        purposes=frozenset(),
        person=(),
        group=None,
        time=0,
        received=0,
        expires=None,
        identity="",
        body=decision.body,
    )
    closed = encryption.encrypt(row)
    print(
        f"  {best(lambda: encryption.encrypt(row), repeats):.1f} us to encrypt a payload of {len(row.body)} bytes, "
        f"{best(lambda: encryption.decrypt(closed), repeats):.1f} to decrypt it"
    )


TC_STRING = tc_string(
    head(purposes=(1, 2, 3, 4, 7, 8, 9, 10), updated=time.time_ns() // 1_000_000 // DAY * DAY),
    consents=as_field(range(1, 801)),
    disclosed=as_field(range(1, 801)),
)


def consent(event: float, repeats: int) -> None:
    """Print what the gate costs: the page's own words, and a TC string of 800 vendors."""
    flat = fresh().data
    strings = {key: value for key, value in flat.items() if key != "consent"} | {"tcf": TC_STRING}
    _gate("flat consent", flat, event, repeats)
    _gate(f"a TC string of {len(TC_STRING)} letters", strings, event, repeats)


def _gate(name: str, pushed: Mapping[str, Any], event: float, repeats: int) -> None:
    """For visitors who say what somebody said before, and worked out anew."""
    policy = ConsentPolicy()
    reader = ConsentCache(policy)
    one = read_event(dict(pushed), fresh().facts)
    vendor = VendorCheck("gvl_id", 755)
    needs = Needs(frozenset({"ad_storage", "ad_user_data"}), ads=True, restricted=True, vendor=vendor)
    assert decide(needs, reader.read(one), policy).decision == "send"
    again = best(lambda: decide(needs, reader.read(one), policy), repeats)
    anew = best(lambda: decide(needs, consent_of(one, policy), policy), repeats)
    print(f"  {again:.1f} us to read {name} and decide, {again / event:.0%} of it; {anew:.1f} worked out anew")


def main(report: Report, repeats: int, events: int = 4000) -> None:
    """Measure and print. `events`: of each repeat of the profile."""
    stage_profile.main(events, max(1, repeats // 3))
    making = best(fresh, repeats)
    fifty = container(50)
    event = best(partial(_decide, fifty), repeats)
    print(f"decided and built: {event:.1f} us, {making:.1f} of them to decode and make it; 50 tags, one fires")
    consent(event, repeats)
    leaving(fifty, event, repeats)
    one_more_tag(report, "other tag", event, repeats, OTHERS, 50, 2000)
    one_more_tag(report, "same tag", event, repeats, ("purchase",), 10, 110)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--events", type=int, default=4000, help="of each repeat of the profile")
    arguments = parser.parse_args()
    main(Report(), arguments.repeats, arguments.events)
