"""What the visitor allowed, in each of the ways in which a page, a batch, a cookie or a header says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.golden.generated import strings
from tests.golden.generated.drawing import Draw

PURPOSES = (
    *("ad_storage", "ad_user_data", "ad_personalization", "analytics_storage", "functionality_storage"),
    *("personalization_storage", "security_storage"),
)
ALL = dict.fromkeys(PURPOSES, "granted")
_WORDS: tuple[Any, ...] = ("granted", "denied", True, False, " Granted ", "DENIED")
_ODD: tuple[Any, ...] = ("yes", 1, 0, None, "", {}, ["granted"], "revoked", "unset")
_NO_CONSENT: tuple[Any, ...] = (
    *("granted", "denied", True, False, 0, 1, "", None, [], {}, ["granted"], {"marketing": "granted"}, "G111"),
    *({"AD_STORAGE": "granted"}, {"revoke": {"ad_storage": "granted"}}, {"update": "denied"}, ["consent", "grant"]),
    *(
        [["consent", "revoke", {"ad_storage": "denied"}]],
        {"default": [], "update": []},
        ["event", "x", {"ad_storage": "granted"}],
    ),
)
_REGIONS: tuple[Any, ...] = (
    ["DE"],
    ["US-CA"],
    ["US"],
    ["FR", "AT"],
    "DE",
    [],
    ["Bayern"],
    ["DE-BY", "US-TX"],
    5,
    ["us-ca", "US"],
)


def words(draw: Draw) -> dict[str, Any]:
    """Purposes with words; mostly good ones."""
    if draw.chance(0.55):
        return dict(ALL)
    if draw.chance(0.02):
        return draw.one(
            ({"marketing": "granted"}, {"ad_storage": {}}, {f"zweck{number}": "granted" for number in range(70)})
        )
    made = {name: draw.one(_WORDS) for name in draw.some(PURPOSES, 6, 1)}
    if draw.chance(0.15):
        made[draw.one((*PURPOSES, "marketing"))] = draw.one(_ODD)
    return made


def _default(draw: Draw) -> dict[str, Any]:
    made = words(draw)
    if draw.chance(0.5):
        made["region"] = draw.one(_REGIONS)
    if draw.chance(0.3):
        made["wait_for_update"] = draw.one((500, 2000, "500", 10**30, -1, True, 60_000))
    return made


def _arguments(draw: Draw, verb: str, said: Any) -> Any:
    call = ["consent", verb, said]
    return call if draw.chance(0.6) else {str(place): one for place, one in enumerate(call)}


def consent(draw: Draw) -> Any:
    """What stands under `consent`: words, presets and choices, commands, or nothing that can be read."""
    how = draw.below(100)
    if how < 40:
        return words(draw)
    if how < 60:
        return {"default": _default(draw), "update": words(draw)}
    if how < 68:
        return {"default": [_default(draw), _default(draw)], "update": [words(draw), words(draw)]}
    if how < 75:
        return {"default": _default(draw)}
    if how < 80:
        return [_arguments(draw, "default", _default(draw)), _arguments(draw, "update", words(draw))]
    if how < 83:
        return _arguments(draw, draw.one(("update", "default", "Update", "grant")), words(draw))
    if how < 85:
        return {**words(draw), "update": words(draw)}
    if how < 86:
        return [_arguments(draw, "update", words(draw)) for _ in range(120)]
    if how < 88:
        return [
            {"default": _default(draw)},
            {"update": words(draw)},
            {"0": "set", "1": "ads_data_redaction", "2": True},
        ]
    return draw.one(_NO_CONSENT)


def fields(draw: Draw) -> dict[str, Any]:
    """The fields of an event or of a batch's context that say something of consent."""
    how = draw.below(100)
    if how < 77:
        return {"consent": dict(ALL)}
    if how < 79:
        return {}
    if how < 87:
        return {draw.weighted((6, "consent"), (1, "consent_state")): consent(draw)}
    if how < 91:
        asked: dict[str, Any] = {"tcf": strings.tcf(draw), "gdpr": draw.one((1, True, "1", None)), "consent": dict(ALL)}
        return {**asked, "addtl_consent": strings.ac(draw)} if draw.chance(0.6) else asked
    made: dict[str, Any] = {}
    for name in draw.some(list(_SIGNALS), 3, 1):
        made[name] = _SIGNALS[name](draw)
    if draw.chance(0.5):
        made["consent"] = draw.made(consent, lambda _: dict(ALL))
    if draw.chance(0.1):
        made["consent_state"] = consent(draw)
    return made


def _flag(draw: Draw) -> Any:
    return draw.one((1, 0, True, False, "1", "0", "true", "", None, "undefined", 2, "ja", [], 1.0))


def _sections(draw: Draw) -> Any:
    return draw.one(([7], "7", "7_8", "2,7", [2], [-1], "", 7, "x", None, [8, 9, 27], ["6"], {"7": 1}, "7,x"))


_SIGNALS: Mapping[str, Any] = {
    "tcf": strings.tcf,
    "gdpr_consent": strings.tcf,
    "gdpr": _flag,
    "addtl_consent": strings.ac,
    "gpp": strings.gpp,
    "gpp_sid": _sections,
    "us_privacy": strings.usp,
    "gcs": strings.gcs,
    "x-ga-gcs": strings.gcs,
    "gcd": strings.gcd,
    "x-ga-gcd": strings.gcd,
    "npa": _flag,
    "x-ga-npa": _flag,
    "gpc": _flag,
}
