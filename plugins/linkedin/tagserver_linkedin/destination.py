"""`type: linkedin`: one conversion from one data-layer event, up to five thousand in a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

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
    Outcomes,
    Payload,
    Request,
    Response,
    Skip,
    StandardEvents,
)
from tagserver.plugin.table import Field, Part, Table, Value
from tagserver.plugin.values import CURRENCY, MONEY_TEXT, event_time, is_text, last_moment
from tagserver_linkedin.answers import read_answer
from tagserver_linkedin.settings import LinkedInSettings
from tagserver_linkedin.user import USER, USER_IDS, USER_INFO, build_user, finds_somebody
from tagserver_linkedin.version import ends

OLDEST_DAYS = 90
VALUES: Mapping[str, str] = {"value": "amount", "currency": "currencyCode"}
FIELDS = frozenset({"event_name", "conversionHappenedAt", "conversionValue", "user", *VALUES})
VALUE = Part(
    "conversionValue",
    Value("amount", MONEY_TEXT),
    Field("currencyCode", "ecommerce.currency", CURRENCY),
    others="is no key that LinkedIn knows",
)


class LinkedIn(Destination):
    """LinkedIn's Conversions API."""

    type = "linkedin"
    api_version = 1
    pure = True
    Settings = LinkedInSettings
    ads = True
    # LinkedIn has no field for consent, so there is no limited mode: all of it, or nothing.
    consent = ConsentNeeds(("ad_storage", "ad_user_data", "ad_personalization"), restricted=False)
    # LinkedIn's pages say 300 and 600 requests a minute.
    limits = Limits(events=5000, bytes=4 << 20, age=OLDEST_DAYS * 86_400.0, requests=4)
    table = Table(USER_IDS, USER_INFO, USER, VALUE)
    reads = ("event", "event_id", "timestamp", "ecommerce", "user_data", "user_id")
    person = ("user",)
    standard_events = StandardEvents(of_tags=True)
    kinds = dict.fromkeys(("currency", "conversionValue.currencyCode"), CURRENCY)

    def hosts(self, settings: LinkedInSettings) -> Sequence[str]:
        """LinkedIn's API alone."""
        return ("api.linkedin.com",)

    def version_ends(self, settings: LinkedInSettings) -> date | None:
        """About a year after the month that the version is named for."""
        return ends(settings.linkedin_version)

    def event_names(self, settings: LinkedInSettings) -> Mapping[str, str]:
        """LinkedIn has no names, but rules: those of the setting."""
        return settings.conversions

    def event_name(self, event: Event, settings: LinkedInSettings) -> str:
        """The id of the conversion rule: there is no other name at LinkedIn. The event's own name when it has no rule
        (`build` then skips it)."""
        return settings.conversions.get(event.name) or event.name

    def build(self, event: Event, parameters: Mapping[str, Any], settings: LinkedInSettings, mode: Mode) -> Built:
        """One conversion. Skips events that have no rule, one that finds nobody, one that is too old."""
        omitted: list[Omitted] = []
        given = Given(parameters, FIELDS, omitted)
        rule = settings.conversions.get(given.text("event_name") or event.name)
        if rule is None:
            how = "name it under conversions with the id of its rule"
            raise Skip("missing_required", f"LinkedIn has no conversion rule for this event: {how}", omitted)
        if not is_text(event.event_id):
            raise Skip("missing_required", "its event_id is no valid text", omitted)
        time = event_time(event, given.fields.get("conversionHappenedAt"), "conversionHappenedAt", omitted)
        expires = last_moment(event, time, OLDEST_DAYS, "LinkedIn", omitted)
        user = build_user(event, given.group("user"), settings, omitted)
        if not finds_somebody(user):
            wanted = "an e-mail, a li_fat_id, or a first and a last name"
            raise Skip("no_identity", f"LinkedIn wants {wanted}, and here is none of them", omitted)
        body: dict[str, Any] = {
            "conversion": f"urn:lla:llaPartnerConversion:{rule}",
            "conversionHappenedAt": time,
            "eventId": event.event_id,
            "user": user,
        }
        if value := _value(event, given, settings, omitted):
            body["conversionValue"] = value
        others = Group("", omitted)
        for key in given.rest:
            others.omit(key, "LinkedIn has no field for it")
        return Built(body, rule, time, None, expires, tuple(omitted))

    def request(self, payloads: Sequence[Payload], settings: LinkedInSettings) -> Request:
        """One request for up to five thousand conversions, a single one too; their JSON is joined, not read again. The
        token stands in a header alone."""
        content = b'{"elements":[' + b",".join(payload.body for payload in payloads) + b"]}"
        headers = {
            "authorization": f"Bearer {settings.access_token.reveal()}",
            "content-type": "application/json",
            "linkedin-version": settings.linkedin_version,
            "x-restli-protocol-version": "2.0.0",
            "x-restli-method": "BATCH_CREATE",
        }
        return Request("POST", f"{settings.api_url.rstrip('/')}/rest/conversionEvents", headers, content)

    def classify(self, response: Response, payloads: Sequence[Payload]) -> Outcomes:
        """By what LinkedIn says of each event, then by status."""
        return read_answer(response, payloads)


def _value(event: Event, given: Given, settings: LinkedInSettings, omitted: list[Omitted]) -> Group | None:
    """Amount and currency: both, or neither."""
    own = given.group("conversionValue")
    own = {**{name: given.fields[key] for key, name in VALUES.items() if key in given.fields}, **own}
    made = VALUE.fill(event, own, settings, omitted)
    if len(made) == 1:
        missing = "currencyCode" if "amount" in made else "amount"
        omitted.append(Omitted("conversionValue", f"has no {missing}, and LinkedIn wants both"))
    return made if len(made) == len(VALUES) else None
