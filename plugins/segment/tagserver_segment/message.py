"""One message of Segment's: the event that it becomes, or why it is none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from tagserver.plugin.inbound import (
    SEGMENT_PERSON,
    Note,
    Passed,
    SegmentRule,
    filled,
    first_said,
    group,
    id_of_segment,
    is_said,
    order_of_segment,
    page_of_segment,
    person_of_segment,
    segment_rule,
)
from tagserver_segment.consent import UNREADABLE, Categories
from tagserver_segment.context import device_of, fields_of_context, ids_of, traits_of

CALLS = ("track", "page", "screen", "identify", "group", "alias")
NO_EVENTS = ("identify", "group", "alias")
BAD = "bad_message"
PASSES = (*NO_EVENTS, "integrations", BAD)
US = "tagserver"
"""Our name in `integrations`."""
_OF_PAGES = ("url", "path", "referrer", "search", "title", "hash", "name", "category")
"""Properties of a page call that say what its page is."""
MEANS_MORE = frozenset(
    {
        *("event", "event_name", "timestamp", "event_time", "client_id", "user_id", "page", "cookie", "click", "ctx"),
        *("ip_override", "user_agent", "context", "ip", "source", "client", "geo", "header"),
    }
)
"""Properties whose names say something else at the top of an event: the message itself tells these."""
CLOCK_ERROR_MS = 5000
"""By so much a request may be under way, or a clock be wrong, before a time is moved; as at `/collect`."""
_LATEST = 10**13


class Batch(NamedTuple):
    """What counts for all messages of a request. `page`: a page has sent them; `sent_at` by its sender's clock;
    `called`: which call its address stands for, empty for a batch's; `integrations` where a message has none."""

    page: bool
    received: int
    sent_at: Any
    called: str
    categories: Categories
    integrations: Mapping[str, Any]


def read_message(message: Any, batch: Batch, where: str, notes: list[Note]) -> Mapping[str, Any] | Passed:
    """The event of a message, in the fields of a data layer. `where`: its place in the body, for the notes."""
    if not isinstance(message, dict):
        return Passed(BAD, f"{where or 'the message'} is no object")
    kind = message.get("type") if is_said(message.get("type")) else batch.called
    message_id = _text(message.get("messageId"))
    if kind not in CALLS:
        return Passed(BAD, f"{_at(where, 'type')} is none of {', '.join(CALLS)}", message_id)
    integrations = group(message.get("integrations")) or batch.integrations
    if is_shut(integrations):
        why = "its integrations say All: false, or tagserver: false"
        return Passed("integrations", f"the call is for no destination here: {why}", message_id)
    if kind in NO_EVENTS:
        return Passed(kind, f"{kind} is no event, and of persons nothing is remembered", message_id)
    properties = _group(message, "properties", where, notes)
    context = _group(message, "context", where, notes)
    rule = segment_rule(message.get("event")) if kind == "track" else None
    order, rest = order_of_segment(properties, rule)
    name, own = _named(kind, message, rest, rule)
    said = fields_of_context(context, batch.page, batch.categories, _at(where, "context"), notes)
    if kind == "page":
        said["page"] = {**said.get("page", {}), **page_of_segment(properties)}
    traits = [group(context.get("traits")), group(message.get("traits")), traits_of(context)]
    event_id = id_of_segment(name, order, own, message_id)
    own.pop("event_id", None)
    made = {
        **_free(own, where, notes),
        **said,
        **ids_of(message, context, integrations, properties),
        "event": name,
        "event_id": event_id,
        "ctx": batch.categories.beside(message, context),
        "timestamp": time_of(message, batch.sent_at, batch.received),
        "ecommerce": order,
        "user_data": {**group(own.get("user_data")), **person_of_segment(traits, properties), **device_of(context)},
    }
    if "consent" in said and "consent" in own:  # both are the site's words, and a refusal in either counts
        made["consent_state"] = UNREADABLE if "consent_state" in own else own["consent"]
    return {key: value for key, value in made.items() if value is not None and value != {}}


def is_shut(integrations: Mapping[str, Any]) -> bool:
    """Whether a call is for no destination of ours: it names us with false; or `All` is false, or is no word that can
    be read, and ours is not true."""
    if integrations.get(US) is False:
        return True
    every = integrations.get("All", integrations.get("all", True))
    return every is not True and every is not None and integrations.get(US) is not True


def _named(
    kind: str, message: Mapping[str, Any], rest: dict[str, Any], rule: SegmentRule | None
) -> tuple[Any, dict[str, Any]]:
    """The event's name, and the properties that stay beside it."""
    if kind == "track":
        said = message.get("event")
        return (rule.name if rule is not None and rule.name else said), rest
    name, category = first_said(message, ("name",)), first_said(message, ("category",))
    if kind == "page":
        own = {key: value for key, value in rest.items() if key not in _OF_PAGES}
    else:
        own = {key: value for key, value in rest.items() if key not in ("name", "category")}
    name = rest.get("name") if name is None else name
    category = rest.get("category") if category is None else category
    return f"{kind}_view", {**own, **filled({f"{kind}_name": name, f"{kind}_category": category})}


def _free(own: Mapping[str, Any], where: str, notes: list[Note]) -> dict[str, Any]:
    """The properties that may stand at the top of an event; a person's are in `user_data`, ids of Meta's pixel are
    cookies, and a name that says something else there is left out, and named."""
    made: dict[str, Any] = {}
    for key, value in own.items():
        if key in SEGMENT_PERSON or key in ("fbp", "fbc"):
            continue
        if key in MEANS_MORE:
            path = f"{_at(where, 'properties')}.{key}"
            notes.append(Note(path, "reserved", f"{path} means something else in an event; left out"))
        else:
            made[key] = value
    return made


def _group(message: Mapping[str, Any], name: str, where: str, notes: list[Note]) -> Mapping[str, Any]:
    value = message.get(name)
    if value is not None and not isinstance(value, dict):
        path = _at(where, name)
        notes.append(Note(path, "wrong_type", f"{path} is not an object; left out"))
    return group(value)


def _at(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def time_of(message: Mapping[str, Any], sent_at: Any, received: int) -> Any:
    """The time of a message by the receiver's clock, in ms, or what stands there where it is none: the host says so.
    `sent_at`: of the batch. It is `receivedAt - (sentAt - originalTimestamp)`, as Segment works it out (specification
    of common fields), so that a wrong clock of the sender does no harm."""
    said = first_said(message, ("originalTimestamp", "timestamp"))
    happened, sent = (
        moment(said),
        moment(first_said({"own": message.get("sentAt"), "batch": sent_at}, ("own", "batch"))),
    )
    if happened is None or sent is None:
        return said if happened is None else happened
    error = received - sent
    return happened + error if abs(error) > CLOCK_ERROR_MS else happened


def moment(value: Any) -> int | None:
    """Ms since 1970 of an ISO 8601 text, in UTC where it names no zone, or of a number of milliseconds; None for all
    else."""
    if type(value) is int or type(value) is float:
        return int(value) if 0 < value < _LATEST else None
    if not isinstance(value, str) or not 10 <= len(value) <= 40:
        return None
    try:
        found = datetime.fromisoformat(value)
        return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
