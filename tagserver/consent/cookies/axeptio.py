"""Axeptio's `axeptio_cookies`: JSON, vendor → true or false beside `$$` fields; `$$completed` once the visitor chose.
Where it is missing, `axeptio_authorized_vendors` lists names: `,a,b,`. Grammar as seen in cookies of public code."""

from __future__ import annotations

from collections.abc import Mapping

from tagserver.consent.cookies.choice import of_vendors, unreadable
from tagserver.consent.cookies.decoding import json_object, plain_text
from tagserver.consent.needs import ConsentPolicy
from tagserver.consent.state import Reading


def read(cookies: Mapping[str, str], policy: ConsentPolicy) -> list[Reading]:
    """The reading of Axeptio's cookie, if there is one. Vendors are the site's: `consent.cmp_vendors`."""
    if raw := cookies.get("axeptio_cookies"):
        value = json_object(plain_text(raw))
        if value is None:
            return [unreadable("axeptio", "not_json")]
        said = {name: word for name, word in value.items() if name in policy.cmp_vendors}
        if not all(isinstance(word, bool) for word in said.values()):
            return [unreadable("axeptio", "vendors")]
        return [of_vendors("axeptio", said, policy.cmp_vendors, recorded=value.get("$$completed") is True)]
    if raw := cookies.get("axeptio_authorized_vendors"):
        text = plain_text(raw) or ""
        if not (text.startswith(",") and text.endswith(",")):
            return [unreadable("axeptio", "authorized_vendors")]
        # The list does not say whether anybody was asked: a preset.
        return [of_vendors("axeptio", dict.fromkeys(text.split(","), True), policy.cmp_vendors, recorded=False)]
    return []
