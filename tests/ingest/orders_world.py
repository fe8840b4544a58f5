"""One shop, four doors, one order: the ingest over an engine, with time moved by hand and a vendor that is played."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tagserver.config.collect import CollectConfig, SourceKey
from tagserver.config.compile import compile_container
from tagserver.config.model import Container
from tagserver.config.server import ServerConfig
from tagserver.consent.merge import source_consent
from tagserver.delivery.send_policy import refusals
from tagserver.erasure.observer import ErasureObserver
from tagserver.erasure.opt_outs import OptOuts
from tagserver.event.consent_fields import AD_PURPOSES
from tagserver.event.event import Facts
from tagserver.inbound.clients.datalayer import read_context
from tagserver.ingest.answer import Answer
from tagserver.ingest.consent_wait import ConsentWait
from tagserver.ingest.ingest import Ingest
from tagserver.ingest.observer import IngestObserver, Line
from tagserver.ingest.order_consent import OrderConsent
from tagserver.ingest.waiting_copies import WaitingCopies
from tagserver.plugin.registry import Registry
from tagserver.queue.api import Outbox, erase_all
from tagserver.queue.values import Settlement
from tagserver.system.secret import Secret
from tests.fake_time import FakeTime

KEY = b"k" * 32
GRANTED = dict.fromkeys(AD_PURPOSES, "granted")
DENIED = dict.fromkeys(AD_PURPOSES, "denied")
WORDS: Mapping[str, Any] = {
    "granted": GRANTED,
    "denied": DENIED,
    "silent": None,
    "garbled": "J4 0ui#",
    "part": {"ad_user_data": "denied"},
}
"""What a visitor may have said, as a copy carries it. `gpc` stands in a header."""
DOORS: Mapping[str, tuple[str, str]] = {
    "page": ("browser", "purchase_{}"),
    "own": ("browser", "own-{}"),
    "hook": ("hook", "purchase_{}"),
    "file": ("file", "row-{}"),
    "backend": ("backend", "b-{}"),
}
"""Door → who sends, and its event_id. Contracts stand behind `hook` and `file`."""
CONTAINER = """
destinations:
  meta: {type: meta_capi, pixel_id: "1234567890", access_token: "${env:T}"}
tags:
  - {name: Meta, destination: meta, triggers: [all]}
"""


def compiled(text: str = CONTAINER) -> Container:
    """What serves."""

    def no_file(path: str) -> str:
        raise AssertionError(path)

    loaded = compile_container(
        {"container.yaml": text.encode()}, registry=Registry.load(), environ={"T": "token-secret"}, read_file=no_file
    )
    assert loaded.container is not None, loaded.problems
    return loaded.container


def contracts(
    names: Collection[str] = ("hook", "file"), hook: Mapping[str, str] | None = None, **collect: Any
) -> ServerConfig:
    """With these keys, whose contract grants everything (that of `hook` perhaps something else), and one without."""
    said = dict.fromkeys(names, GRANTED) | ({} if hook is None else {"hook": hook})
    keys = {one: SourceKey(Secret(one), source_consent(one, words, "terms")) for one, words in said.items()}
    return ServerConfig(collect=CollectConfig(keys=keys | {"backend": SourceKey(Secret("b"))}, **collect))


@dataclass
class World(IngestObserver):
    """`engine` is open. `told`: each event with what was decided and what became of it."""

    engine: Outbox
    clock: FakeTime
    container: Container
    server: ServerConfig = field(default_factory=contracts)
    told: list[Line] = field(default_factory=list)
    dropped: int = 0

    def __post_init__(self) -> None:
        self.opt_outs = OptOuts(
            self.engine, KEY, lambda: self.container, lambda: 40 * 86400.0, self.clock, ErasureObserver()
        )
        self.orders = OrderConsent(self.engine, KEY, self.clock, self)
        self.waiting = WaitingCopies(self.engine, self.orders, lambda: self.container, self.clock)
        self.ingest = Ingest(self.engine, KEY, self, ConsentWait(self.clock), self.opt_outs, orders=self.orders)

    def settled(self, container: Container, lines: Sequence[Line], decided: Sequence[Any]) -> None:
        """See `IngestObserver.settled`."""
        self.told += lines

    def denial_not_remembered(self) -> None:
        """See `IngestObserver.denial_not_remembered`."""
        self.dropped += 1

    async def post(
        self, door: str, *copies: Mapping[str, Any], ip: str = "192.0.2.7", wait: float = 0.0, **headers: str
    ) -> list[Answer]:
        """One request; `wait`: seconds for which its copies wait for others."""
        source, _ = DOORS[door]
        facts = Facts(source, self.clock.now(), headers, ip=ip, user_agent="Mozilla/5.0")
        context = read_context(None, None, facts)
        return await self.ingest.accept(
            self.container, self.server, [*copies], facts, context, self.server.consent_of(source), None, wait
        )

    async def say(self, door: str, word: str, order: object = "T-1", **fields: Any) -> Line:
        """A copy of an order comes by a door with a word of the visitor's; what became of it."""
        headers = {"sec-gpc": "1"} if word == "gpc" else {}
        await self.post(door, copy(door, "granted" if word == "gpc" else word, order, **fields), **headers)
        self.clock.advance(1)
        return self.told[-1]

    async def walk(self) -> None:
        """What was withdrawn is erased."""
        await erase_all(self.engine, lambda row: bool(self.opt_outs.lost(row)), "withdrawn")

    async def deliver(self) -> list[str]:
        """All that waits is sent, but for what may not be; the ids of what was."""
        sent: list[str] = []
        while (batch := await self.engine.claim("meta", max_items=1000, max_bytes=1 << 24)) is not None:
            refused = refusals(batch.rows, self.container, self.engine)
            sent += [row.event_id for row in batch.rows if row.id not in refused]
            await self.engine.settle(batch, Settlement(delivered=[row.id for row in batch.rows]))
        return sent


def copy(door: str, word: str, order: object = "T-1", **fields: Any) -> dict[str, Any]:
    """Of an order, with nobody in it whom another copy names: what persons have withdrawn says nothing here."""
    _, event_id = DOORS[door]
    named = event_id.format(order)
    made: dict[str, Any] = {
        "event": "purchase",
        "event_id": named,
        "page": {"location": "https://shop.example/thanks"},
        "user_data": {"email": f"{door}-{order}-{id(fields)}@example.com"},
        "ecommerce": {"transaction_id": order, "value": 59.9, "currency": "EUR"},
    }
    if WORDS[word] is not None:
        made["consent"] = WORDS[word]
    return made | fields


def outcome(line: Line) -> str:
    """What became of a copy at the only tag, in one word: `sent`, `duplicate`, or why it is not sent."""
    return outcome_of(line, "Meta")


def outcome_of(line: Line, tag: str) -> str:
    """The same of one of several tags."""
    _, routing, made, receipts = line
    assert routing is not None
    (decision,) = (one for one in routing.decisions if one.tag.name == tag)
    if decision.built is None:
        return decision.reason
    number = [one.tag for one in made].index(tag)
    return "duplicate" if receipts and receipts[number].duplicate else "sent"
