"""Google's `gcs`: `G1`, then a digit each for ad_storage and analytics_storage.

`G101`: ad_storage denied, analytics_storage granted. Not published by Google; the form is what its tags send.
"""

from __future__ import annotations

from dataclasses import dataclass

from tagserver.consent.state import State
from tagserver.consent.strings.invalid import Invalid

_STATES: dict[str, State] = {"0": "denied", "1": "granted", "-": "unset"}


@dataclass(frozen=True, slots=True)
class Gcs:
    """The state of the two purposes that `gcs` knows, as it was in effect; the other ad purposes are not in it."""

    ad_storage: State
    analytics_storage: State


def read_gcs(text: str) -> Gcs | Invalid:
    """Read four characters; everything else is no `gcs`."""
    if len(text) != 4 or not text.startswith("G1"):
        return Invalid("not G1 and two more characters")
    ads, analytics = _STATES.get(text[2]), _STATES.get(text[3])
    if ads is None or analytics is None:
        return Invalid("a character that is not 0, 1 or -")
    return Gcs(ads, analytics)
