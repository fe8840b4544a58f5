"""A configuration with a destination of every kind, and who asks `try` about it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from tagserver.config.compile import Loaded
from tagserver.config.model import Container
from tagserver.config.server import ServerConfig
from tagserver.event.event import Event
from tagserver.explain.try_ import try_event
from tagserver.plugin import (
    Built,
    Mode,
    Omitted,
    Request,
    Skip,
)
from tagserver.plugin.registry import Registry

from ..config.world import ENVIRON, Ads, Box, Broken, Vault
from ..consent.writers import head, tc_string
from ..events import NOW

GRANTED = {"ad_storage": "granted", "ad_user_data": "granted", "ad_personalization": "granted"}
META = Registry.load().destinations["meta_capi"]


class Failing(Box):
    """Fails with the event's own data in its words."""

    type = "failing"

    def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
        """Breaks."""
        raise KeyError(str(event.user_data))


class Mute(Box):
    """Builds, and then fails to make a request."""

    type = "mute"

    def request(self, payloads: Any, settings: Any) -> Request:
        """Breaks."""
        raise RuntimeError("token-secret-1")


class Picky(Box):
    """Refuses every event, and says what it left out before."""

    type = "picky"

    def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
        """Skips."""
        raise Skip("missing_required", "it wants a colour", (Omitted("shade", "is no colour"),))


class Wire(Vault):
    """What it sends is no JSON."""

    type = "wire"

    def request(self, payloads: Any, settings: Any) -> Request:
        """A form, with the secret everywhere."""
        token = settings.token.reveal()
        return Request("PUT", f"https://vault.example/{token}", {"X-Token": token}, f"t={token}&x=\xff".encode())


REGISTRY = Registry.of(Box, Ads, Vault, Broken, Failing, Mute, Picky, Wire, META)
SERVER = """
collect:
  keys:
    backend: {secret: "${env:BACKEND_KEY}"}
    crm:
      secret: "${env:CRM_KEY}"
      consent: {ad_storage: granted, ad_user_data: granted, ad_personalization: granted}
      basis: "contract, 2026-03"
"""
CONTAINER = """
destinations:
  meta: {type: meta_capi, pixel_id: "1", access_token: "${env:META_TOKEN}", app_secret: "${env:APP_SECRET}"}
  ads: {type: ads}
  box: {type: box}
  vault: {type: vault, token: "${env:TOKEN}"}
  broken: {type: broken}
  failing: {type: failing}
  mute: {type: mute}
  picky: {type: picky}
  wire: {type: wire, token: "${env:TOKEN}"}
variables:
  page type: {lookup: "{{ page.path }}", table: {/cart: cart}, default: other}
triggers:
  buy: {event: purchase, when: {ecommerce.value: {greater_than: 0}}}
  lead: {event: generate_lead}
  internal: {when: {page.host: {starts_with: staging}}}
tags:
  - name: Meta
    destination: meta
    triggers: [buy, lead]
    exceptions: [internal]
    parameters: {kind: "{{ page type }}"}
  - {name: Meta again, destination: meta, triggers: [buy]}
  - {name: Meta other, destination: meta, triggers: [buy], event_name: Other}
  - {name: Paused, destination: box, triggers: [buy], paused: true}
  - {name: Vendor, destination: ads, triggers: [buy], vendor: {gvl_id: 89}, event_name: v}
  - {name: Ads, destination: ads, triggers: [buy]}
  - {name: Vault, destination: vault, triggers: [all]}
  - {name: Broken, destination: broken, triggers: [buy]}
  - {name: Failing, destination: failing, triggers: [buy]}
  - {name: Mute, destination: mute, triggers: [buy]}
  - {name: Picky, destination: picky, triggers: [buy]}
  - {name: Wire, destination: wire, triggers: [buy]}
"""
SECRETS = ENVIRON | {"META_TOKEN": "meta-token-secret", "APP_SECRET": "app-secret-text", "CRM_KEY": "crm-key-text"}
ACCEPTED = tc_string(head(purposes=(1, 3, 4, 7)))
"""A TC string that grants all purposes, and accepts no vendor."""
PURCHASE: dict[str, Any] = {
    "event": "purchase",
    "event_id": "purchase_T-1",
    "page": {"location": "https://shop.example/cart?fbclid=IwAbC"},
    "user_data": {"email": "erika@example.com"},
    "ecommerce": {"transaction_id": "T-1", "value": 59.9, "currency": "EUR"},
    "consent": GRANTED,
}


class Ask:
    """Asks one configuration."""

    def __init__(self, made: Loaded) -> None:
        assert made.container is not None
        assert made.server is not None
        self.container: Container = made.container
        self.server: ServerConfig = made.server

    def __call__(self, event: Any = None, **asked: Any) -> dict[str, Any]:
        """The answer at NOW."""
        question = {"event": PURCHASE if event is None else event} | asked
        return try_event(self.container, self.server, question, NOW)

    def tag(self, name: str, event: Any = None, **asked: Any) -> dict[str, Any]:
        """One tag of the answer."""
        return next(tag for tag in self(event, **asked)["tags"] if tag["tag"] == name)


def purchase(**fields: Any) -> dict[str, Any]:
    """The usual purchase, changed."""
    return copy.deepcopy(PURCHASE) | fields


DAY = 86_400_000
