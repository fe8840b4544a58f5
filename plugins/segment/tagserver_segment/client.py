"""`clients.segment`: who sends by a write key, and what a body of Segment's, RudderStack's or Jitsu's holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from tagserver.plugin.inbound import (
    BROWSER,
    UNKNOWN_KEY,
    Client,
    ClientLimits,
    Endpoint,
    InboundRequest,
    Incoming,
    KeyedSource,
    Note,
    Passed,
    Refuse,
    Reply,
    RequestFacts,
    Result,
    group,
    json_body,
)
from tagserver_segment.consent import UNREADABLE, Categories
from tagserver_segment.context import fields_of_context
from tagserver_segment.keys import HEADER, keys_in, sender
from tagserver_segment.message import BAD, PASSES, Batch, read_message
from tagserver_segment.settings import Shared, WriteKey

SHORT = {"t": "track", "p": "page", "s": "screen", "i": "identify", "g": "group", "a": "alias"}
"""The short forms of analytics.js."""
CALLS_AND_BATCHES = frozenset({*SHORT, *SHORT.values(), "batch", "import", "b"})
NO_PAGE = "this write key is a page's, and no page has sent this: a server's has consent beside it, or browser: false"
IN_A_PAGE = (
    "this write key is a server's, and a page has sent it, where anybody reads it: pages have one without consent"
)
MOST = 1000
"""Messages of one request."""
_encode = msgspec.json.Encoder().encode


class Segment(Client):
    """Segment's libraries, RudderStack's and Jitsu's, by write keys: /v1/track, /v1/batch and others."""

    type: ClassVar[str] = "segment"
    api_version = 1
    Settings = Shared
    Source = WriteKey
    keyed = "write_keys"
    addresses = (
        Endpoint("POST", "/v1/{call}"),
        Endpoint("POST", "/api/s/{type}"),
        Endpoint("POST", "/api/s/s2s/{type}"),
    )
    bare_keys = True
    unseen = (HEADER, "anonymousid", "x-retry-count")
    browser = True
    refuses = (UNKNOWN_KEY, "no_secret", "page_key", "origin", "not_found", "bad_json", "bad_shape")
    passes = PASSES
    limits = ClientLimits(events=MOST)

    def __init__(self, settings: Shared, sources: Mapping[str, KeyedSource]) -> None:
        super().__init__(settings, sources)
        self._categories = Categories(settings.consent_categories)

    @classmethod
    def is_public(cls, source: WriteKey) -> bool:
        """Where the configuration says so."""
        return source.browser is True

    @classmethod
    def signed(cls, request: InboundRequest, source: KeyedSource) -> InboundRequest:
        """With its key as Jitsu's library sends it, for a secret may hold a colon."""
        return request.with_headers({HEADER: source.texts()[0]})

    def identify(self, request: InboundRequest) -> str:
        """By its write key: a page for a page's key, whose origin the host asks for; a server's key by its name. A key
        that only the body has is looked for once the body is here; until then whoever has an origin is a page."""
        if request.params.get("call", "batch") not in CALLS_AND_BATCHES:
            raise Refuse(404, "not_found", "there is no such call")
        name = sender(request, self.sources)
        if name is None:
            return BROWSER if "origin" in request.headers or not self.sources else next(iter(self.sources))
        source = self.sources[name]
        if is_of_pages(source):
            # Whoever has a key in the body alone and no origin was taken for no page before, and it is not made up for.
            if "origin" not in request.headers and not any(keys_in(request.headers)):
                raise Refuse(403, "origin", NO_PAGE)
            return BROWSER
        if "origin" in request.headers and "sec-fetch-site" in request.headers:
            raise Refuse(403, "page_key", IN_A_PAGE)
        return name

    def events(self, body: bytes, facts: RequestFacts) -> Incoming:
        """The messages of a body, whatever its address: one, `{"batch": […]}`, or a list of them."""
        found = json_body(body)
        whole = {"batch": found} if isinstance(found, list) else found if "batch" in found else None
        page = facts.source == BROWSER
        notes: list[Note] = []
        if whole is None:
            batch = Batch(page, facts.received, None, self._called(facts), self._categories, {})
            return Incoming([read_message(found, batch, "", notes)], notes=notes)
        messages = whole["batch"]
        if not isinstance(messages, list):
            raise Refuse(400, "bad_shape", "batch is no list of messages")
        context, integrations = group(whole.get("context")), group(whole.get("integrations"))
        batch = Batch(page, facts.received, whole.get("sentAt"), self._called(facts), self._categories, integrations)
        beneath = fields_of_context(context, page, self._categories, "context", notes)
        for name, said in self._categories.beside(whole, context).items():
            beneath[name] = said if beneath.get(name, said) == said else UNREADABLE
        events: list[Mapping[str, Any] | Passed] = []
        for at, one in enumerate(messages[: MOST + 1]):
            events.append(read_message(one, batch, f"batch.{at}", notes))
        return Incoming(events, beneath or None, notes=notes)

    def answer(self, results: Sequence[Result]) -> Reply:
        """200 once all that can be taken is on disk: told anything else, a library sends a batch again as a whole, or
        loses it as a whole. 400 where nothing could be taken: its developer has something to mend."""
        lost = [one.status == "rejected" or any(note.code == BAD for note in one.problems) for one in results]
        success = not results or not all(lost)
        return Reply(200 if success else 400, _encode({"success": success, "events": results}))

    def refused(self, refusal: Refuse) -> Reply:
        """400, 401 and 403 end it for a library; 429 and 503 it sends again."""
        problem = Note("", refusal.code, refusal.message)
        return Reply(refusal.status, _encode({"success": False, "events": [], "problems": [problem]}))

    def _called(self, facts: RequestFacts) -> str:
        """The call that an address stands for, where its message does not say."""
        name = facts.params.get("call") or facts.params.get("type", "")
        return SHORT.get(name, name)


def is_of_pages(source: KeyedSource) -> bool:
    """Whether pages have a key: it says so, or says neither that nor whose consent there is."""
    return source.settings.browser is True or (source.settings.browser is None and not source.contract)
