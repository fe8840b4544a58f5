"""Destination plugins as strangers write them: one that is right, and others that are it but for a method.

Its payload is what the oracle can judge; an answer may name some events as refused.
"""

from __future__ import annotations

from textwrap import dedent, indent

HONEST = """
import asyncio
import json
import logging
import time
from dataclasses import dataclass
from tagserver.plugin import Built, ConsentNeeds, Destination, Limits, Outcome, Request, Secret, hookimpl, setting

@dataclass(frozen=True, kw_only=True)
class HonestSettings:
    api_url: str = setting("Where it is.")
    token: Secret | None = setting("Whatever.", default=None)

class Honest(Destination):
    type = "honest"
    api_version = 1
    Settings = HonestSettings
    consent = ConsentNeeds(())
    limits = Limits(events=100)
    reads = ("event_id", "ecommerce", "user_data", "user_id")

    def hosts(self, settings):
        return ()

    def build(self, event, parameters, settings, mode):
        shop = event.ecommerce
        custom = {"value": shop["value"], "currency": shop["currency"], "order_id": shop["transaction_id"]}
        hashes, _ = event.identity.email
        body = {"event_id": event.event_id, "user_data": {"em": list(hashes)}, "custom_data": custom}
        return Built(body, event.name, event.time)

    def request(self, payloads, settings):
        return Request("POST", settings.api_url, {}, b'{"data":[' + b",".join(one.body for one in payloads) + b"]}")

    def classify(self, response, payloads):
        refused = json.loads(response.body)["refused"]
        return [Outcome.rejected("no") if one.event_id in refused else Outcome.delivered() for one in payloads]
"""


def destination(kind: str, changed: str = "", head: str = "") -> str:
    """The source of a plugin whose type is `kind`: the honest one with some methods or attributes `changed`, and lines
    that are run when it is imported (`head`)."""
    body = indent(dedent(changed).strip() or "pass", "    ")
    hook = "@hookimpl\ndef register_destinations(register):\n    register(Changed)\n"
    return f'{HONEST}\n{dedent(head)}\n\nclass Changed(Honest):\n    type = "{kind}"\n{body}\n\n{hook}'
