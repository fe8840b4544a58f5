"""Events of a file on their way to `/collect` of a server: in requests of a size that it takes, and again where that
helps.

What was accepted before an answer was lost is accepted once more, and is a duplicate there: every event has its id.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx
import msgspec

AT_ONCE = 200
"""Events of a request at most, and so what a killed run sends twice."""
LARGEST = 256 << 10
"""Bytes of a request, unless one event is larger: a quarter of what a server takes by default."""
LONGEST_WAIT = 300.0
FIRST_WAIT, MOST_WAIT = 1.0, 60.0
_PASSING = frozenset({408, 429, 500, 502, 503, 504})

Pause = Callable[[float], None]
Post = Callable[[bytes], httpx.Response]


class Stopped(Exception):
    """Nothing more can be sent: a sentence, and the `code` that the command ends with."""

    def __init__(self, sentence: str, code: int = 1) -> None:
        super().__init__(sentence)
        self.code = code


class Fate(NamedTuple):
    """What became of one event: its `status`; where that is `rejected`, of which field and why. `codes`: of what else
    was said of it."""

    status: str
    field: str = ""
    reason: str = ""
    codes: tuple[str, ...] = ()


@dataclass
class Sending:
    """`post` sends a body to the server; `pause` waits for seconds; `patience`: how many may pass without an answer
    that says something. `wait`: told before each pause, with what is waited for. `held`: seconds for which the server
    lets the events wait for the page's copies of their orders."""

    post: Post
    pause: Pause
    patience: float
    wait: Callable[[float, str], None]
    held: int = 0
    _met: bool = field(default=False, init=False)
    _waited: float = field(default=0.0, init=False)
    _next: float = field(default=FIRST_WAIT, init=False)

    def send(self, events: Sequence[dict[str, Any]]) -> list[Fate]:
        """What became of each, once the server has stored them. Raises Stopped."""
        busy = 0
        while True:
            try:
                body = {"events": events, "wait": self.held} if self.held else {"events": events}
                answer = self.post(msgspec.json.encode(body))
            except httpx.TransportError as error:
                if not self._met and isinstance(error, httpx.ConnectError):
                    raise Stopped("nothing listens there (connection refused): is the server up?", 3) from None
                self._again(None, f"no answer ({type(error).__name__})")
                continue
            self._met, status = True, answer.status_code
            if status == 429:
                busy += 1
            if len(events) > 1 and (status == 413 or busy == 2):
                return self._halves(events)
            if status in _PASSING:
                self._again(_seconds(answer), f"status {status}")
                continue
            self._waited, self._next = 0.0, FIRST_WAIT
            fates = _fates(answer, len(events)) if status in (202, 400) else None
            if fates is not None:
                return fates
            code, message = _problem(answer)
            if status == 413 or (status == 400 and code):
                return [Fate("rejected", "", message)] if len(events) == 1 else self._halves(events)
            raise Stopped(_sentence(status, code, message))

    def _halves(self, events: Sequence[dict[str, Any]]) -> list[Fate]:
        middle = len(events) // 2
        return [*self.send(events[:middle]), *self.send(events[middle:])]

    def _again(self, seconds: float | None, why: str) -> None:
        """Wait before the same request. Raises Stopped when that has been too long."""
        if seconds is None:
            seconds, self._next = self._next, min(self._next * 2, MOST_WAIT)
        if self._waited + seconds > self.patience:
            raise Stopped(f"the server takes nothing ({why}); run the same command again later: it goes on here", 3)
        self._waited += seconds
        self.wait(seconds, why)
        self.pause(seconds)


def _seconds(answer: httpx.Response) -> float | None:
    """Of Retry-After, within reason; a date is none."""
    text = answer.headers.get("retry-after", "")
    return min(max(float(text), 0.1), LONGEST_WAIT) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _fates(answer: httpx.Response, count: int) -> list[Fate] | None:
    """None where the answer is none about these events."""
    try:
        lines = answer.json()["events"]
        if len(lines) != count or (answer.status_code == 400 and not lines):
            return None
        return [_fate(line) for line in lines]
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _fate(line: dict[str, Any]) -> Fate:
    problems, status = line.get("problems") or (), str(line["status"])
    if status == "rejected" and problems:
        return Fate(status, str(problems[0]["path"]), str(problems[0]["message"]))
    return Fate(status, codes=tuple(str(one["code"]) for one in problems))


def _problem(answer: httpx.Response) -> tuple[str, str]:
    try:
        first = answer.json()["problems"][0]
        return str(first["code"]), str(first["message"])
    except (ValueError, TypeError, KeyError, IndexError):
        return "", ""


def _sentence(status: int, code: str, message: str) -> str:
    if status == 401:
        return "the server does not know this key: --source NAME takes it from collect.keys, or set TAGSERVER_KEY"
    if status == 404 or not code:
        return f"what answers there takes no events ({status}): name the server with --server, with its path_prefix"
    return f"the server refuses ({status} {code}): {message}"
