"""What a call says of consent: the categories of a consent tool, as Segment's wrappers and RudderStack write them.

The categories are the site's own; `clients.segment.consent_categories` says what they stand for. Nothing is granted by
a category that nobody knows, and a refusal of one may be the refusal of ads: it counts as one of everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from tagserver.plugin.inbound import CONSENT_FIELDS

ADS = ("ad_storage", "ad_user_data", "ad_personalization")
PURPOSES = (
    *ADS,
    "analytics_storage",
    "functionality_storage",
    "personalization_storage",
    "security_storage",
)
ONETRUST: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "C0001": ("security_storage",),
        "C0002": ("analytics_storage",),
        "C0003": ("functionality_storage", "personalization_storage"),
        "C0004": ADS,
    }
)
"""OneTrust's own categories, which Segment's and RudderStack's wrappers hand on under these names."""
SOCIAL = "C0005"
"""Its pixels of social networks: to refuse them is to refuse ads, to accept them alone is not to accept all ads."""
UNREADABLE = "unreadable"
"""In place of something that may have been a refusal: the gate denies for it."""
SEGMENT, RUDDERSTACK = "categoryPreferences", "consentManagement"
MOST = 200
"""Categories of one call that are read."""


class Categories:
    """What categories stand for. `own`: of the configuration."""

    def __init__(self, own: Mapping[str, Iterable[str]]) -> None:
        self._purposes = {
            **ONETRUST,
            **{name: (name,) for name in PURPOSES},
            **{name: (*one,) for name, one in own.items()},
        }
        self._refused = self._purposes if SOCIAL in own else {**self._purposes, SOCIAL: ADS}

    def consent(self, context: Mapping[str, Any]) -> Any:
        """The field `consent` of an event by the context of its call; None where nothing is said. Where both forms are
        there, a refusal in one of them counts."""
        said = [self._segment(context.get("consent")), self._rudderstack(context.get(RUDDERSTACK))]
        said = [one for one in said if one is not None]
        if len(said) < 2:
            return said[0] if said else None
        if not all(isinstance(one, dict) for one in said):
            return UNREADABLE
        return _strictest(pair for one in said for pair in one.items())

    def beside(self, said: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of consent at the top of a message or a batch, and of its context beside `consent`: nobody's
        specification has them there, and whoever writes one there means it."""
        made = {name: one[name] for one in (context, said) for name in CONSENT_FIELDS if one.get(name) is not None}
        made.pop("consent", None)
        if (chosen := self.consent(said)) is not None:
            made["consent"] = chosen
        return made

    def _segment(self, said: Any) -> Any:
        """Of `context.consent`: `{"categoryPreferences": {"C0004": true}}`; without that key it is in our own form."""
        if said is None:
            return None
        if not isinstance(said, dict) or SEGMENT not in said:
            return said
        preferences = said[SEGMENT]
        if not isinstance(preferences, dict) or not preferences or len(preferences) > MOST:
            return UNREADABLE
        if not all(isinstance(one, bool) for one in preferences.values()):
            return UNREADABLE
        return self._of(preferences.items())

    def _rudderstack(self, said: Any) -> Any:
        """Of `context.consentManagement`: `{"allowedConsentIds": [], "deniedConsentIds": []}`."""
        if said is None:
            return None
        if not isinstance(said, dict):
            return UNREADABLE
        lists = [said.get("allowedConsentIds") or [], said.get("deniedConsentIds") or []]
        if not all(isinstance(one, list) for one in lists) or not 0 < sum(map(len, lists)) <= MOST:
            return UNREADABLE
        if not all(isinstance(name, str) for one in lists for name in one):
            return UNREADABLE
        allowed, denied = lists
        return self._of([*((name, True) for name in allowed), *((name, False) for name in denied)])

    def _of(self, said: Iterable[tuple[str, bool]]) -> Any:
        """The purposes of these categories, each with a yes or a no."""
        made: list[tuple[str, str]] = []
        known = False
        for name, granted in said:
            purposes = (self._purposes if granted else self._refused).get(name)
            known = known or purposes is not None or name == SOCIAL
            if purposes is not None:
                made += ((purpose, "granted" if granted else "denied") for purpose in purposes)
            elif not granted:
                return UNREADABLE
        return _strictest(made) if known else UNREADABLE


def _strictest(said: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Purpose → word; of two that differ, the refusal."""
    made: dict[str, Any] = {}
    for purpose, word in said:
        if made.get(purpose, "granted") == "granted":
            made[purpose] = word
    return made
