"""One parcel from one order; a token first; each order judged by itself."""

# ruff: noqa: RUF009 (`setting` makes a dataclass field; it is no default that instances share)

from __future__ import annotations

from collections.abc import Generator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from tagserver.plugin import (
    Built,
    ConsentNeeds,
    Destination,
    Event,
    Given,
    Group,
    Limits,
    Mode,
    Omitted,
    Outcome,
    Outcomes,
    Payload,
    Request,
    Response,
    Secret,
    Skip,
    default_outcome,
    json_object,
    setting,
)
from tagserver.plugin.values import DATA, ID, PIECES, put_items

HOST = "api.parcels.example"
ENDS = {"2025-05": date(2026, 5, 31), "2026-05": date(2038, 5, 31)}
LINES = {"sku": ("item_id", ID), "pieces": ("quantity", PIECES)}
VERDICTS = {"taken": Outcome.delivered(), "bad": Outcome.rejected("bad"), "later": Outcome.retry("later")}


@dataclass(frozen=True, kw_only=True)
class ParcelSettings:
    """The settings of a `parcels` destination."""

    account: str = setting("The customer number.", identity=True)
    password: Secret = setting("What a token is made with.")
    version: Literal["2025-05", "2026-05"] = setting("The version of the API.", default="2026-05")
    fields: list[str] = setting("Further fields of the event.", default_factory=list)


class Parcels(Destination):
    """A made-up parcel service."""

    type = "parcels"
    api_version = 1
    Settings = ParcelSettings
    consent = ConsentNeeds(("functionality_storage",), restricted=True)
    limits = Limits(events=50)
    reads = ("event", "event_id", "ecommerce.transaction_id", "ecommerce.items.item_id", "ecommerce.items.quantity")
    clear = ("fields",)  # what the setting `fields` names is wanted as it is

    def hosts(self, settings: ParcelSettings) -> Sequence[str]:
        """The service's API."""
        return (HOST,)

    def sees(self, settings: ParcelSettings) -> Sequence[str]:
        """What the setting `fields` names, too."""
        return (*self.reads, *settings.fields)

    def version_ends(self, settings: ParcelSettings) -> date | None:
        """As the service has announced."""
        return ENDS[settings.version]

    def build(self, event: Event, parameters: Mapping[str, Any], settings: ParcelSettings, mode: Mode) -> Built:
        """One order. Skips an event without a number."""
        omitted: list[Omitted] = []
        given = Given(parameters, (), omitted)
        body = Group("", omitted)
        body.put("order", event.get("transaction_id"), ID)
        if "order" not in body:
            raise Skip("missing_required", "an order needs transaction_id", omitted)
        body["id"] = event.event_id
        put_items(body, "lines", event.get("items"), LINES, needed="sku")
        fields = Group("fields", omitted)
        for name in settings.fields:
            if mode == "restrict":
                fields.omit(name, "consent restricts")
            else:
                fields.put(name, event.get(name), DATA)
        for name, value in given.rest.items():
            fields.put(name, value, DATA)
        if fields:
            body["fields"] = fields
        if mode == "restrict":
            body.pop("lines", None)
        return Built(body, "order", event.time, omitted=tuple(omitted))

    def request(self, payloads: Sequence[Payload], settings: ParcelSettings) -> Request:
        """The orders, without the token that `exchange` puts in front."""
        content = b"[" + b",".join(payload.body for payload in payloads) + b"]"
        url = f"https://{HOST}/{settings.version}/{settings.account}/orders"
        return Request("POST", url, {"content-type": "application/json"}, content)

    def exchange(
        self, payloads: Sequence[Payload], settings: ParcelSettings, cache: MutableMapping[str, Any]
    ) -> Generator[Request, Response, Outcomes]:
        """A token, where there is none that is known to work; then the orders."""
        if "token" not in cache:
            secret = settings.password.reveal().encode()
            answer = yield Request("POST", f"https://{HOST}/{settings.version}/token", {}, secret)
            token = (json_object(answer.body) or {}).get("token")
            if answer.status != 200:
                return default_outcome(answer, payloads)
            if not isinstance(token, str) or not token.isascii():
                return Outcome.retry("unreadable token")
            cache["token"] = token
        made = self.request(payloads, settings)
        headers = {**made.headers, "authorization": f"Bearer {cache['token']}"}
        response = yield Request(made.method, made.url, headers, made.content)
        if response.status == 401:
            del cache["token"]
            return Outcome.retry("token expired")
        return self.classify(response, payloads)

    def classify(self, response: Response, payloads: Sequence[Payload]) -> Outcomes:
        """A verdict for each order, in their sequence."""
        if response.status != 200:
            return default_outcome(response, payloads)
        said = (json_object(response.body) or {}).get("results")
        if not isinstance(said, list) or len(said) != len(payloads):
            return Outcome.retry("unreadable answer")
        return [VERDICTS.get(one, VERDICTS["later"]) if isinstance(one, str) else VERDICTS["later"] for one in said]
