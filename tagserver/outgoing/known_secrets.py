"""No payload holds a secret of this server: looked for at ingest, before anything is stored.

Secrets enter when a request is made, in its address, its headers or its body. What `build` makes rests in the queue and
is shown to people, so a token in it is the plugin's mistake.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import re2

from tagserver.privacy.detection import without_emails
from tagserver.system.secret import SHORTEST, Secret
from tagserver.system.text import is_text

_encode = msgspec.json.Encoder().encode
FEW = 4
"""Texts that are found sooner one by one."""
MEMORY = 64 << 20
"""Bytes that the automaton may use: enough for two thousand secrets, beyond which it is slower."""
_LONGEST_STEP = 60
"""Characters of a name that are shown: it may be a page's own."""


class KnownSecrets:
    """The secrets of one configuration, compiled; those shorter than eight characters stand everywhere by chance.

    Costs 0.5 µs a secret for a payload of 1.4 KB, and not more than 4 µs: where there are many, one automaton looks for
    how each of them begins, and only where one does are they looked for themselves. Without secrets it costs nothing.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._forms = frozenset(form for text in texts if len(text) >= SHORTEST for form in _forms(text))
        self._may_hold = _search(sorted(_encode(form)[1:-1] for form in self._forms if is_text(form)))

    def place_in(self, body: bytes, *names: str) -> str | None:
        """Where a secret stands in a payload's JSON, or in one of the `names` stored beside it; None when none does.
        The path holds no secret itself."""
        if self._may_hold is None:
            return None
        if names:
            body = b"\0".join((body, *map(str.encode, names)))
        return self._place(body, names) if self._may_hold(body) else None

    def _place(self, body: bytes, names: tuple[str, ...]) -> str | None:
        if any(map(self._shows, names)):
            return "its name or group"
        value = msgspec.json.decode(body.partition(b"\0")[0])
        return next((_path(way) for way, text in _texts(value, ()) if self._shows(text)), None)

    def _shows(self, text: str) -> bool:
        return any(form in text for form in self._forms)


def secrets_of(settings: Any) -> Iterator[str]:
    """The secrets of a destination's settings, also those in lists and maps."""
    if dataclasses.is_dataclass(settings):
        for field in dataclasses.fields(settings):
            yield from secrets_of(getattr(settings, field.name))
    elif isinstance(settings, Secret):
        yield settings.reveal()
    elif isinstance(settings, list | tuple):
        for one in settings:
            yield from secrets_of(one)
    elif isinstance(settings, Mapping):
        for one in settings.values():
            yield from secrets_of(one)


def _forms(text: str) -> set[str]:
    """A secret as it may stand in a text: as it is, and as JSON inside that text writes it, also JSON in JSON."""
    forms = {text}
    for _ in range(2):
        forms |= {json.dumps(form, ensure_ascii=ascii_only)[1:-1] for form in forms for ascii_only in (True, False)}
    return forms


def _search(forms: Sequence[bytes]) -> Callable[[bytes], bool] | None:
    """Whether a body holds one of some texts; None when there are none."""
    if not forms:
        return None

    def holds(body: bytes) -> bool:
        for form in forms:  # noqa: SIM110 (`any` makes a generator, which takes as long as a look)
            if form in body:
                return True
        return False

    if len(forms) <= FEW:
        return holds
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # bytes, also where one begins within a letter
    options.max_mem, options.log_errors = MEMORY, False
    begins = dict.fromkeys(form[:SHORTEST] for form in forms)
    search = re2.compile(b"|".join(map(re2.escape, begins)), options).search
    return lambda body: search(body) is not None and holds(body)


def _texts(value: Any, way: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Everything in a body that can be read, with the names that lead there; of a name the way to its object."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield (*way, "a name"), name
            yield from _texts(one, (*way, name))
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one, way)
    elif isinstance(value, str):
        yield way, value
    elif type(value) in (int, float):
        yield way, str(value)


def _path(way: tuple[str, ...]) -> str:
    return ".".join(without_emails(step)[:_LONGEST_STEP] for step in way) or "its body"
