"""What our destination `webhook` sends our door of the style `standard` takes: the same event, in another server."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from tagserver_webhook import Webhook
from tagserver_webhook.settings import WebhookSettings
from tagserver_webhooks import Webhooks

from tagserver.plugin import Payload
from tagserver.plugin.inbound import InboundRequest, Incoming, Refuse, RequestFacts
from tagserver.system.secret import Secret
from tagserver.testing import make_client
from tests.events import event
from tests.fake_time import START

KEY, OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + "B" * 32
SETTINGS = WebhookSettings(
    url="https://other.example/webhook/own", secret=Secret(KEY), previous_secret=Secret(OLD), fields=["*"]
)
PUSHED: dict[str, Any] = {
    "event": "purchase",
    "event_id": "purchase_T.1 ä",
    "user_data": {"email": "erika@example.com"},
    "ecommerce": {"transaction_id": "T.1", "value": 59.9, "currency": "EUR"},
}


def sent(mode: Any = "send", now: int = START) -> InboundRequest:
    """A request as it leaves, for the door of the other server."""
    plugin = Webhook()
    built = plugin.build(event(PUSHED), {}, SETTINGS, mode)
    body = msgspec.json.encode(built.body)
    made = plugin.request([Payload(PUSHED["event_id"], built.name, built.time, body, None)], SETTINGS, now)
    headers = {name.lower(): text for name, text in made.headers.items()}
    return InboundRequest("POST", "/webhook/own", {"name": "own"}, "", headers, made.content, now)


def taken(request: InboundRequest, secret: str = KEY) -> dict[str, Any]:
    """The event that the other server makes of it."""
    client = make_client(Webhooks, {"own": {"style": "standard", "secret": secret}})
    headers = {name: request.headers[name] for name in client.headers if name in request.headers}
    found = client.events(
        request.body or b"", RequestFacts(client.identify(request), START, request.params, "", headers)
    )
    assert isinstance(found, Incoming)
    (one,) = found.events
    plain: dict[str, Any] = json.loads(msgspec.json.encode(one))
    return plain


def test_the_same_event_arrives() -> None:
    """Under its own id, whatever signs the header can hold, with its order and its person as it was sent: hashed."""
    found = taken(sent())
    assert (found["event"], found["event_id"]) == ("purchase", PUSHED["event_id"])
    assert found["ecommerce"] == PUSHED["ecommerce"]
    assert found["user_data"].keys() == {"sha256_email_address"}
    assert "npa" not in found


@pytest.mark.parametrize("secret", [KEY, OLD])
def test_either_secret_is_taken_while_one_is_replaced(secret: str) -> None:
    assert taken(sent(), secret)["event"] == "purchase"


def test_what_consent_restricts_here_is_restricted_there() -> None:
    """The other server has a contract perhaps, and has not heard the visitor."""
    assert taken(sent("restrict"))["npa"] is True


def test_an_old_attempt_is_not_taken_and_a_later_one_is_signed_anew() -> None:
    late = msgspec.structs.replace(sent(), received=START + 301_000)
    with pytest.raises(Refuse, match="ago or ahead"):
        taken(late)
    assert taken(sent(now=START + 301_000))["event_id"] == PUSHED["event_id"]
