"""Dead letters as values: which are meant, how they are counted, and the reasons for which a delivery becomes one.

A letter has a cause (destination, tag, reason, the vendor's code). There are few causes, however many letters
there are, so that questions about many letters are questions about few names.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from tagserver.queue.values import Row

LARGEST_ID = 2**63 - 1
"""Of a dead letter: what SQLite and most engines can count to."""
Permits = Callable[[Row], tuple[str, str] | None]
"""Why a row may not be sent as things stand (a reason and a sentence), or None."""
RESTORED = "restored"
"""The reason of a delivery that waited in a backup that was restored: it is held, and a retry that does not name the
reason leaves it."""


class Cause(msgspec.Struct, frozen=True, order=True, gc=False):
    """Why letters are dead. `code`: the vendor's, empty where no vendor has refused anything."""

    destination: str
    tag: str
    reason: str
    code: str = ""


class DeadLetter(msgspec.Struct, frozen=True, gc=False):
    """A dead letter as operations see it: why, never what. Times in ms since 1970 UTC. `detail` begins with the
    `code`, where there is one."""

    id: int
    destination: str
    tag: str
    name: str
    event_id: str
    reason: str
    detail: str
    attempts: int
    received: int
    buried: int
    code: str = ""

    @property
    def position(self) -> Position:
        """Its place in the order of death."""
        return Position(self.buried, self.id)


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Which dead letters are meant: those for which everything given holds, each by one of its values. What is empty
    does not matter. `since` (at or after) and `until` (before) are of the death, in ms."""

    ids: Sequence[int] = ()
    event_ids: Sequence[str] = ()
    destinations: Collection[str] = ()
    tags: Collection[str] = ()
    reasons: Collection[str] = ()
    codes: Collection[str] = ()
    since: int | None = None
    until: int | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing is asked, so that all letters are meant."""
        return not (self.ids or self.event_ids or any(self.names)) and self.since is None and self.until is None

    @property
    def names(self) -> tuple[Collection[str], ...]:
        """What is asked of a cause, in the order of its fields."""
        return (self.destinations, self.tags, self.reasons, self.codes)

    def fits(self, cause: Cause) -> bool:
        """Whether letters of this cause can be meant."""
        has = (cause.destination, cause.tag, cause.reason, cause.code)
        return all(not wanted or name in wanted for wanted, name in zip(self.names, has, strict=True))


class Position(msgspec.Struct, frozen=True, order=True, gc=False):
    """The place of a letter in the order of death. `buried` in ms."""

    buried: int
    id: int


class Bound(msgspec.Struct, frozen=True, gc=False):
    """How far a run over dead letters goes, fixed at its start: up to the `end` in the order of death, and no id
    beyond `last`. What dies later, or again, is none of its letters."""

    end: Position
    last: int


class DeadGroup(msgspec.Struct, frozen=True, gc=False):
    """Letters of one cause: how many, when the oldest and the newest died (ms), and an event among the newest."""

    cause: Cause
    count: int
    oldest: int
    newest: int
    event_id: str


class Account(msgspec.Struct, frozen=True, gc=False):
    """A destination as it is configured now: its fingerprint, and the seconds in which its vendor counts a repeat
    once (None: always)."""

    identity: str
    repeat: float | None = None


class Retried(msgspec.Struct, frozen=True, gc=False):
    """What came of putting some dead letters back. `moved` by destination. `too_old`: the vendor would not take them
    any more; `refused`: they may not be sent as things stand, by the reason for which they would die again, or are held
    after a restore (`restored`), and the choice does not name that reason; both stay.
    `late`: of the moved, those tried before whose vendor may count them twice by now. `after`: the letter that was
    looked at last, or None when there are no more."""

    moved: Mapping[str, int] = {}
    too_old: int = 0
    refused: Mapping[str, int] = {}
    late: int = 0
    after: Position | None = None


class Dropped(msgspec.Struct, frozen=True, gc=False):
    """How many letters were removed; `after` as in `Retried`."""

    count: int = 0
    after: Position | None = None


OTHER = "other"
"""In place of a code that is none, or one too many."""
CAUSE_CODE = re.compile(r"[A-Za-z0-9_.:/-]{1,60}")
"""What the code of a cause looks like. Anything else is a sentence, and may have somebody's data in it."""
_SPEAKING = re.compile(r"[0-9_/]")
"""What a code has and a sentence's first word has not."""


def code_in(reason: str, detail: str) -> str:
    """The vendor's code with which a detail begins, where it has one."""
    word = detail.partition(" ")[0]
    is_code = reason == "rejected" and CAUSE_CODE.fullmatch(word) and _SPEAKING.search(word)
    return word if is_code else ""


MOST_CODES = 20
"""Of one destination; further ones are counted as OTHER."""
_CODE = re.compile(r"[A-Za-z0-9_.:/-]{1,40}")
"""What a code looks like. Anything else is a sentence, and may have somebody's data in it."""

DeadKey = tuple[str, str, str]
"""Destination, reason, code."""


class DeadLetterCounts:
    """How many deliveries have become dead letters since this process began, and with which code of the vendor's.

    The counters of the queue say how many there are now, which falls when they are retried or dropped. A rate needs
    numbers that only grow: these. They become labels of a metric, so there are few codes, whatever a vendor answers.

    `add` and `committed` are called by the writer's thread; `shown` is the last committed picture and may be read
    from any thread."""

    def __init__(self) -> None:
        self._codes: defaultdict[str, set[str]] = defaultdict(set)
        self._counted: Counter[DeadKey] = Counter()
        self._pending: Counter[DeadKey] = Counter()
        self.shown: Mapping[DeadKey, int] = {}

    def add(self, destination: str, reason: str, code: str) -> None:
        """One more in the present transaction. `code`: empty where no vendor has refused it."""
        self._pending[destination, reason, code and self._bounded(destination, code)] += 1

    def committed(self, ok: bool) -> None:
        """After a group: take its dead letters over, or forget them."""
        if ok and self._pending:
            self._counted.update(self._pending)
            self.shown = dict(self._counted)
        self._pending.clear()

    def _bounded(self, destination: str, code: str) -> str:
        codes = self._codes[destination]
        if code in codes:
            return code
        if len(codes) >= MOST_CODES or not _CODE.fullmatch(code):
            return OTHER
        codes.add(code)
        return code


class Reason(msgspec.Struct, frozen=True, gc=False):
    """One reason. `meaning` and `helps` stand in the guide's table as they are, `helps` being the answer to "does a
    retry help?". `advice`: for who looks at such letters at night, what to do. `in_short`: the meaning within a
    sentence about one delivery, where it is another one."""

    name: str
    meaning: str
    helps: str
    advice: str
    in_short: str = ""


_ALL = (
    Reason(
        "rejected",
        "the vendor refused it; the detail has the vendor's code and its own words, without what tells of a person",
        "if the cause was at the vendor",
        "retry helps if the cause was at the vendor (an outage, a setting of the account) and is mended; what is wrong "
        "in the event itself is refused again",
        in_short="the vendor refused it for good",
    ),
    Reason(
        "expired",
        "too old for the vendor, or (Meta) 47 hours after an attempt whose outcome is unknown",
        "no",
        "retry does not help: the vendor takes nothing so old; drop them, or leave them to queue.keep_dead",
        in_short="it became too old for the vendor before it could be delivered",
    ),
    Reason(
        "consent",
        "the tag needs more than was granted when the event came in, or the person has taken it back",
        "no",
        "retry does not help: nothing may be sent without consent; drop them, or leave them to queue.keep_dead",
        in_short="consent for it is missing or was taken back",
    ),
    Reason(
        "tag_removed",
        "the tag is gone, renamed, paused, or has another destination",
        "after the tag is back",
        "retry helps after the tag is back under its name, not paused, with this destination",
    ),
    Reason(
        "destination_changed",
        "another account than when it was queued",
        "yes: it is sent to the account that is configured now",
        "retry helps, and sends them to the account that is configured now: look whether you want that",
    ),
    Reason(
        "plugin_error",
        "the plugin failed before anything was sent",
        "after the plugin is mended",
        "retry helps after the plugin is mended; the detail has the error and the plugin's line",
    ),
    Reason(
        "crashed",
        "the server ended four times while the plugin had it in hand, the last time it alone",
        "once you know why",
        "retry helps once you know why the server ended: until then it may end again",
    ),
    Reason(
        "locked",
        "it is encrypted with a key that `queue.encrypt` does not list (the detail names it), or it is damaged",
        "when the key is listed again",
        "retry helps when queue.encrypt lists the key again that the detail names",
    ),
    Reason(
        "queue_full",
        "it came while its destination was paused by hand and had a quarter of the queue waiting",
        "when the destination goes on",
        "retry helps when the destination goes on (tagserver resume) and what waited has been sent; before, it waits "
        "with the rest",
    ),
    Reason(
        "restored",
        "it waited in a backup that was restored, and may have been sent since",
        "that is what it waits for; what the vendor would count twice stays",
        "retry (tagserver restore --resend) sends what may have arrived already, as long as the vendor knows a repeat; "
        "tagserver restore --drop gives them up",
    ),
    Reason(
        "no_destination",
        "its destination was removed, or could not be set up, for a day",
        "after it is back",
        "retry helps after the destination is configured again, under its name or with it as an alias",
    ),
)
REASONS = {reason.name: reason for reason in _ALL}
"""By name, in the guide's order: one table for the guide, for `dead summary`, and for the refusal of a reason that
there is not. A new reason is a row here and in the guide; nothing else lists them."""


def advice(name: str) -> str:
    """What to do with letters of a reason; of one that this version does not know, that."""
    known = REASONS.get(name)
    return known.advice if known is not None else "this version does not know the reason; the detail may say more"
