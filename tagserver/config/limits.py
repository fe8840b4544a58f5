"""When a tag that was fired sends nothing all the same: outside its schedule, not among its sample, or once already."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tagserver.config.keys import DURATION, TEXT, Block, Key, compiled
from tagserver.config.names import Names
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Map, Node, Scalar
from tagserver.event.event import MISSING
from tagserver.event.values import js_text
from tagserver.expressions.scope import Scope, Value
from tagserver.expressions.templates import constant
from tagserver.system.text import readable_time

LONGEST = 365 * 86400.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """From (inclusive) to until (exclusive), in ms since 1970 UTC; None is open. Judged by the time of receipt."""

    start: int | None
    end: int | None

    def refusal(self, scope: Scope) -> tuple[str, str] | None:
        """Why not now."""
        now = scope.event.received
        if self.start is not None and now < self.start:
            return "schedule", f"begins {readable_time(self.start)}"
        if self.end is not None and now >= self.end:
            return "schedule", f"ended {readable_time(self.end)}"
        return None


@dataclass(frozen=True, slots=True)
class Sample:
    """A share of all values of a key, the same ones for good. What has no key is left out."""

    percent: float
    by: Value
    name: str

    def refusal(self, scope: Scope) -> tuple[str, str] | None:
        """Why not this one."""
        key = self.by(scope)
        if key is MISSING or key is None or key == "":
            return "sampled", "it has no value to draw by"
        text = f"{self.name}\0{js_text(key)}".encode(errors="surrogatepass")
        drawn = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") / 2**64 * 100
        return None if drawn < self.percent else ("sampled", f"not among the {self.percent:g} percent")


@dataclass(frozen=True, slots=True)
class Once:
    """Only the first of a key within `within` seconds; later ones count as duplicates. Without a key nothing is held
    back."""

    key: Value
    within: float

    def text(self, scope: Scope) -> str | None:
        """The key of an event, or None."""
        value = self.key(scope)
        return None if value is MISSING or value is None or value == "" else js_text(value)


@dataclass(frozen=True, slots=True)
class TagLimits:
    """All of a tag's limits."""

    schedule: Schedule | None = None
    sample: Sample | None = None
    once: Once | None = None

    def refusal(self, scope: Scope) -> tuple[str, str] | None:
        """The reason and a sentence, or None. What was sent once already only the queue knows."""
        for limit in (self.schedule, self.sample):
            if limit is not None and (refused := limit.refusal(scope)) is not None:
                return refused
        return None


NO_LIMITS = TagLimits()


SCHEDULE = Block(
    "",
    Key("from", TEXT, "when it begins: `2026-11-20T00:00`"),
    Key("until", TEXT, "when it ends, exclusive"),
    Key("time_zone", TEXT, "that of both: `Europe/Berlin`; without it UTC"),
    anyOf=[{"required": ["from"]}, {"required": ["until"]}],
)
SAMPLE = Block(
    "",
    Key("percent", compiled({"type": "number", "minimum": 0, "maximum": 100}), "required: from 0 to 100", needed=True),
    Key("by", compiled(TEXT.schema), "required: the value that decides, a text with `{{ }}`", needed=True),
)
ONCE = Block(
    "",
    Key("key", compiled(TEXT.schema), "required: what is the same in both, a text with `{{ }}`", needed=True),
    Key("within", DURATION, "required: the time, at most `365d`", needed=True),
)


class LimitCompiler:
    """Reads `schedule`, `sample` and `once_per` of a tag."""

    def __init__(self, names: Names, problems: Problems) -> None:
        self._names = names
        self._problems = problems
        self._decoder = Decoder(problems)

    def compile(self, nodes: dict[str, Node], name: str, path: str) -> TagLimits:
        """The limits of one tag; those with problems are left out."""
        if not nodes.keys() & {"schedule", "sample", "once_per"}:
            return NO_LIMITS
        return TagLimits(
            self._schedule(nodes.get("schedule"), f"{path}.schedule"),
            self._sample(nodes.get("sample"), name, f"{path}.sample"),
            self._once(nodes.get("once_per"), f"{path}.once_per"),
        )

    def _schedule(self, node: Node | None, path: str) -> Schedule | None:
        if node is None:
            return None
        nodes = SCHEDULE.nodes(self._decoder, node, path)
        zone = self._zone(nodes.get("time_zone"), f"{path}.time_zone")
        start, end = (self._moment(nodes.get(key), zone, f"{path}.{key}") for key in ("from", "until"))
        if isinstance(node, Map) and not nodes.keys() & {"from", "until"}:
            self._problems.add("E113", node.place, path, f"{path} needs from, until or both")
        elif start is not None and end is not None and start >= end:
            self._problems.add("E115", node.place, path, f"{path} ends before it begins")
        return Schedule(start, end)

    def _zone(self, node: Node | None, path: str) -> tzinfo:
        text = self._decoder.text(node, path)
        if text is None or node is None:
            return UTC
        try:
            return ZoneInfo(text)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self._problems.add("E115", node.place, path, f'"{text}" is no time zone', "write Europe/Berlin, or UTC")
            return UTC

    def _moment(self, node: Node | None, zone: tzinfo, path: str) -> int | None:
        text = self._decoder.text(node, path)
        if text is None or node is None:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            self._problems.add("E115", node.place, path, f'"{text}" is no time', "write 2026-11-27T00:00")
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        return int(moment.timestamp() * 1000)

    def _sample(self, node: Node | None, name: str, path: str) -> Sample | None:
        if node is None:
            return None
        nodes = SAMPLE.nodes(self._decoder, node, path)
        if not isinstance(node, Map):
            return None
        for needed in ("percent", "by"):
            if needed not in nodes:
                self._decoder.missing(node.place, path, needed)
                return None
        percent = nodes["percent"]
        share = percent.value if isinstance(percent, Scalar) else None
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 100:
            self._problems.add("E115", percent.place, f"{path}.percent", f"{path}.percent is a number from 0 to 100")
            return None
        by = self._value(nodes["by"], f"{path}.by")
        return None if by is None else Sample(float(share), by, name)

    def _once(self, node: Node | None, path: str) -> Once | None:
        if node is None:
            return None
        nodes = ONCE.nodes(self._decoder, node, path)
        if not isinstance(node, Map):
            return None
        for needed in ("key", "within"):
            if needed not in nodes:
                self._decoder.missing(node.place, path, needed)
                return None
        within = self._decoder.duration(nodes["within"], f"{path}.within", 0.0)
        if not 0 < within <= LONGEST:
            place = nodes["within"].place
            self._problems.add("E115", place, f"{path}.within", f"{path}.within is more than nothing and at most 365d")
        key = self._value(nodes["key"], f"{path}.key")
        return None if key is None else Once(key, within)

    def _value(self, node: Node, path: str) -> Value | None:
        text = self._decoder.text(node, path)
        made = self._names.template(text, node.place, path) if text is not None else None
        if isinstance(made, str):
            self._problems.add("E115", node.place, path, f"{path} is the same for every event", 'write "{{ name }}"')
            return constant(made)
        return made
