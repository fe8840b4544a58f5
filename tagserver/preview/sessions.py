"""The preview sessions of one server. They are kept in memory: a restart ends them, and says so to who comes with an
old link."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from tagserver.preview.grant import FIELD, Grant, Grants, new_id
from tagserver.preview.session import Draft, Send, Session
from tagserver.system.text import readable_time
from tagserver.system.time import Time

MOST = 50
"""Sessions at a time."""
MOST_DRAFTS = 8
"""Those with a draft, at a time: each is a whole configuration in memory."""
_AGAIN = "start another session (tagserver preview, or the page /-/preview/sessions); this event counts like any other"


class TooMany(Exception):
    """There is no room for another session; the text says what to do."""


class NotGranted(Exception):
    """A request's grant is of no use; the text says why, to whoever has the link."""


class Sessions:
    """Those that run. `seen`: how many events each has had."""

    def __init__(self, install_key: bytes, time: Time) -> None:
        self._grants = Grants(install_key)
        self._time = time
        self._running: dict[str, Session] = {}
        self._ended: dict[str, int] = {}
        """Those that somebody has ended, until they would have expired (ms)."""
        self.seen: Counter[str] = Counter()

    def start(
        self, *, by: str, minutes: int, origin: str, send: Send, codes: Mapping[str, str], draft: Draft | None
    ) -> Session:
        """A new one. Raises TooMany."""
        running = self.all()
        if len(running) >= MOST:
            raise TooMany(f"{MOST} preview sessions run already; end one at /-/preview/sessions")
        if draft is not None and sum(one.draft is not None for one in running) >= MOST_DRAFTS:
            raise TooMany(f"{MOST_DRAFTS} sessions with a draft run already; end one at /-/preview/sessions")
        now = self._time.now()
        expires = (now // 1000 + minutes * 60) * 1000
        session = Session(new_id(), by, now, expires, origin, send, codes, draft)
        self._running[session.id] = session
        return session

    def end(self, name: str) -> bool:
        """Somebody ends it; whether it ran."""
        session = self.known(name)
        if session is None:
            return False
        self._ended[name] = session.expires
        self._forget(name)
        return True

    def all(self) -> list[Session]:
        """Those that run, the newest first."""
        now = self._time.now()
        for name in [one.id for one in self._running.values() if one.expires <= now]:
            self._forget(name)
        self._ended = {name: expires for name, expires in self._ended.items() if expires > now}
        return list(reversed(self._running.values()))

    def _forget(self, name: str) -> None:
        del self._running[name]
        del self.seen[name]

    def known(self, name: str) -> Session | None:
        """The one of this id, if it runs."""
        session = self._running.get(name)
        return session if session is not None and session.expires > self._time.now() else None

    def grant(self, session: Session) -> str:
        """What a request brings."""
        return self._grants.written(Grant(session.id, session.expires // 1000))

    def link(self, session: Session) -> str:
        """The address of the page on which it begins."""
        return f"{session.origin}/?{FIELD}={self.grant(session)}"

    def granted(self, text: object, origin: str | None, *, keyed: bool) -> Session:
        """The session of a request's grant. `origin`: the page's, lower case; `keyed`: a server sends it, with its key,
        and has no page. Raises NotGranted."""
        grant = self._grants.read(text)
        if grant is None:
            raise NotGranted(f"this is no preview link of this server (a part of it may be missing); {_AGAIN}")
        if grant.expires * 1000 <= self._time.now():
            raise NotGranted(f"this preview session ended on {readable_time(grant.expires * 1000)}; {_AGAIN}")
        session = self.known(grant.session)
        if session is None and grant.session in self._ended:
            raise NotGranted(f"somebody has ended this preview session; {_AGAIN}")
        if session is None:
            raise NotGranted(f"this preview session ended when the server was restarted; {_AGAIN}")
        if origin != session.origin and not (keyed and origin is None):
            raise NotGranted(f"this preview link is for pages of {session.origin}; {_AGAIN}")
        return session


def shown(session: Session, events: int) -> dict[str, object]:
    """A session for machines; without its link, which lets in."""
    return {
        "id": session.id,
        "by": session.by,
        "made": session.made,
        "expires": session.expires,
        "origin": session.origin,
        "send": session.send,
        "test_codes": dict(session.codes),
        "draft": session.draft.container.version if session.draft is not None else None,
        "files": list(session.draft.files) if session.draft is not None else [],
        "events": events,
    }
