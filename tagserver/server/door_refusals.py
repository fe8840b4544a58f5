"""A request at an address of a client that is refused as a whole: what is answered, and what it is counted as."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tagserver.config.clients import ConfiguredClient
from tagserver.ingest.sources import Header
from tagserver.plugin.client import Refuse, Reply

NOBODY = Reply(404, b"Not Found", "text/plain; charset=utf-8")
"""As any address without anything behind it is answered."""
_encode = msgspec.json.Encoder().encode


class Refused(Exception):
    """The request is refused as a whole. `code`: for records; `reason`: what it is counted as. `said`: what the host
    says of it, by which the client may answer in the shape that its senders understand."""

    said: Refuse | None = None
    one: ConfiguredClient | None = None

    def __init__(self, kind: str, reply: Reply, code: str, reason: str, fields: Sequence[Header] = ()) -> None:
        super().__init__(code)
        self.kind = kind
        self.reply = reply
        self.code = code
        self.reason = reason
        self.fields: list[Header] = list(fields)

    @classmethod
    def by_host(
        cls,
        one: ConfiguredClient | None,
        status: int,
        code: str,
        message: str,
        *,
        fields: Sequence[Header] = (),
        again: int | None = None,
        reason: str = "client",
        at: int | None = None,
    ) -> Refused:
        """In our own words. `again`: seconds after which to come again; `at`: the event that it is for."""
        if again is not None:
            fields = (*fields, (b"retry-after", b"%d" % again))
        reply = NOBODY if status == 404 else problem_reply(status, code, message)
        made = cls(one.type if one is not None else "", reply, code, reason, fields)
        if status != 404:
            made.one, made.said = one, Refuse(status, code, message, retry_after=again, at=at)
        return made


def problem_reply(status: int, code: str, message: str) -> Reply:
    """A request as a whole was refused."""
    return Reply(status, _encode({"events": [], "problems": [{"path": "", "code": code, "message": message}]}))
