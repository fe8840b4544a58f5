"""A server with doors, and the requests of their senders."""

from __future__ import annotations

import json
from typing import Any

import httpx
from tagserver_webhooks import Webhooks

from tagserver.testing.client_examples import make_client, make_request
from tests.server.conftest import ENVIRON, SERVER, Running

OWN, CRM = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "a-secret-of-the-crm"
DOORS = (
    SERVER
    + """
clients:
  webhooks:
    own: {style: standard, secret: "${env:OWN}"}
    shop:
      style: hmac
      prefix: "sha256="
      secret: ["${env:CRM_NEW}", "${env:CRM_OLD}"]
      consent: {ad_storage: granted, ad_user_data: granted, ad_personalization: granted}
      basis: "terms, 2026-03"
"""
)
WITH_SECRETS = {**ENVIRON, "OWN": OWN, "CRM_NEW": CRM, "CRM_OLD": "the-old-secret-of-the-crm"}
CLIENT = make_client(
    Webhooks,
    {
        "own": {"style": "standard", "secret": OWN},
        "shop": {"style": "hmac", "prefix": "sha256=", "secret": CRM},
        "old": {"style": "hmac", "prefix": "sha256=", "secret": WITH_SECRETS["CRM_OLD"]},
        "forger": {"style": "hmac", "prefix": "sha256=", "secret": "another-secret"},
    },
)


def signed(name: str, body: Any, now: int, by: str = "") -> tuple[bytes, dict[str, str]]:
    """A body as it is sent, and the headers of its sender; `body` as bytes stays as it is."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = make_request(CLIENT, {"path": f"/webhook/{name}"}, now)
    whole = type(request)("POST", request.path, request.params, "", {"webhook-id": "msg_1"}, content, now)
    return content, dict(CLIENT.signed(whole, CLIENT.sources[by or name]).headers)


async def post(server: Running, name: str, body: Any, by: str = "", **headers: str) -> httpx.Response:
    """Post to a webhook as its sender does."""
    content, signature = signed(name, body, server.runtime.time.now(), by)
    return await server.http.post(f"/webhook/{name}", content=content, headers={**signature, **headers})
