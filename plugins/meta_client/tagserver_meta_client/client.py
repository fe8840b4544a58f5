"""`clients.meta`: Graph's edge for server events, and the gateway's, with a token of our own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

import msgspec

from tagserver.plugin.inbound import (
    Client,
    ClientLimits,
    Endpoint,
    InboundRequest,
    Incoming,
    KeyedSource,
    Note,
    Refuse,
    Reply,
    RequestFacts,
    Result,
    bearer,
    hmac_matches,
    mac,
    sender_of,
)
from tagserver_meta_client.checks import check
from tagserver_meta_client.event import consent_beside, event_of, request_of
from tagserver_meta_client.graph import received, refused
from tagserver_meta_client.settings import Shared, TokenSource
from tagserver_meta_client.upload import MOST_EVENTS, PACKED, events_of, fields_of, text_in

_VERSION = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}\Z")
_PIXEL = re.compile(r"[0-9]{1,32}\Z")
TOKENS = ("access_token", "accessKey")
PROOF = "appsecret_proof"


class Meta(Client):
    """What Meta's SDKs send to the Graph API, and backends to the Conversions API Gateway."""

    type: ClassVar[str] = "meta"
    api_version = 1
    Settings = Shared
    Source = TokenSource
    keyed = "access_tokens"
    addresses = (Endpoint("POST", "/v{version}/{pixel}/events"), Endpoint("POST", "/capi/{pixel}/events"))
    refuses = (
        *("unknown_key", "signature", "no_secret", "not_found", "bad_query", "bad_pixel", "bad_json", "bad_form"),
        *("bad_shape", "too_many", "bad_event", "too_old", "in_future", "no_identity", "no_value", "no_currency"),
    )
    limits = ClientLimits(events=MOST_EVENTS)
    bare_keys = True
    whole = True

    @classmethod
    def signed(cls, request: InboundRequest, source: KeyedSource) -> InboundRequest:
        """With its token in a header, and the proof, where it has an app secret, as the SDK sends it."""
        token, secret = source.texts()[0], source.settings.app_secret
        if secret is not None and (key := secret.reveal()):
            proof = f"{PROOF}={mac(key.encode(), token.encode())}"
            request = msgspec.structs.replace(request, query=f"{request.query}&{proof}" if request.query else proof)
        return request.with_headers({"authorization": f"Bearer {token}"})

    def claims(self, request: InboundRequest) -> bool:
        """A version is that of the SDK, and goes up each quarter: any is taken."""
        return "version" not in request.params or _VERSION.match(request.params["version"]) is not None

    def identify(self, request: InboundRequest) -> str:
        """The name of the token: in the query, as Python's and Node's SDKs send it, in a header, or in the body, as
        PHP's does; for that alone the body of somebody is read who has shown nothing yet."""
        if not self.claims(request):
            raise Refuse(404, "not_found", "a version is written like v26.0")
        if not _PIXEL.match(request.params["pixel"]):
            raise Refuse(400, "bad_pixel", "the pixel in the address is a row of digits")
        query, body = request.query_values, request.body
        token = next((query[name] for name in TOKENS if query.get(name)), None) or bearer(request.headers)
        if token is None:
            if body is None and not request.packed:
                return next(iter(self.sources), "") or sender_of(self.sources, None)
            if body is None or body[:2] == PACKED:
                message = "write the access token into the query or the header where the body is compressed"
                raise Refuse(401, "unknown_key", message)
            token = text_in(body, *TOKENS)
        name = sender_of(self.sources, token)
        self._check_proof(name, token or "", query.get(PROOF), body)
        return name

    def _check_proof(self, name: str, token: str, proof: str | None, body: bytes | None) -> None:
        """Source: Meta, securing Graph API calls: HMAC-SHA256 of the token under the app secret, in hexadecimal."""
        secret = self.sources[name].settings.app_secret
        if secret is None or (proof is None and body is None):
            return
        if not (key := secret.reveal()):
            raise Refuse(503, "no_secret", "the app secret of this token is not there yet", retry_after=60)
        if proof is None and body is not None:
            proof = text_in(body, PROOF)
        if proof is None or not hmac_matches([proof], [key.encode()], token.encode()):
            raise Refuse(401, "signature", "appsecret_proof is missing, or not that of this token and app secret")

    def events(self, body: bytes, facts: RequestFacts) -> Incoming:
        """All events of a request, or none: so it is at Meta."""
        fields = fields_of(body)
        listed = events_of(fields)
        checked = [check(one, at, facts.judged) for at, one in enumerate(listed)]
        notes: list[Note] = []
        request = request_of(fields, notes)
        pixel = facts.params["pixel"]
        made = [
            event_of(one, known, pixel, request, at, notes)
            for at, (one, known) in enumerate(zip(listed, checked, strict=True))
        ]
        return Incoming(made, consent_beside(fields), notes=notes)

    def answer(self, results: Sequence[Result]) -> Reply:
        """As Graph's."""
        return received(results)

    def refused(self, refusal: Refuse) -> Reply:
        """As Graph's."""
        return refused(refusal)
