"""A consent string as people and other programs may read it: `tagserver consent` and `/-/consent.json`.

Only here are ranges of vendors written out; nothing that decides does that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar, get_args

from tagserver.consent.decoders.bits import Invalid, Malformed
from tagserver.consent.decoders.google import AcString, read_ac, read_gcd, read_gcs
from tagserver.consent.decoders.gpp import NAMES, READABLE, GppString, gpp_opt_outs, read_gpp
from tagserver.consent.decoders.tcf import Range, Restriction, TCString, VendorIds, Vendors, read_tcf, why_not_valid
from tagserver.consent.decoders.us import UspString, read_usp

Format = Literal["tcf", "gcs", "gcd", "usp", "gpp", "ac"]
FORMATS: tuple[Format, ...] = get_args(Format)
MOST_RESTRICTED = 250_000
"""Vendors written out of one string's restrictions: there may be thousands of them, and each may name all 65535."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
T = TypeVar("T")


def printout(kind: Format, text: str, now: int) -> dict[str, Any]:
    """What a string says, with `"ok": true`; `{"ok": false, "reason"}` for one that is not well-formed.

    `now` (ms since 1970 UTC) is what the age of a TC string is measured against. Whether a
    well-formed TC string may be used is `valid`, with `invalid_because`.
    """
    try:
        return {"ok": True, **_SHOWN[kind](text, now)}
    except Malformed as bad:
        return {"ok": False, "reason": str(bad)}


def _tcf(text: str, now: int) -> dict[str, Any]:
    return _shown_tcf(_sound(read_tcf(text)), now)


def _gcs(text: str, now: int) -> dict[str, Any]:
    gcs = _sound(read_gcs(text))
    return {"ad_storage": gcs.ad_storage, "analytics_storage": gcs.analytics_storage}


def _gcd(text: str, now: int) -> dict[str, Any]:
    gcd = _sound(read_gcd(text))
    return {
        name: {"state": letter.state, "default": letter.default, "update": letter.update}
        for name, letter in gcd.letters.items()
    }


def _usp(text: str, now: int) -> dict[str, Any]:
    usp = _sound(read_usp(text))
    return {
        "version": usp.version,
        "notice": usp.notice,
        "opt_out_sale": usp.opt_out_sale,
        "lspa": usp.lspa,
        "applies": usp.applies,
        "sale_opt_out": usp.sale_opt_out,
    }


def _ac(text: str, now: int) -> dict[str, Any]:
    ac: AcString = _sound(read_ac(text))
    return {
        "version": ac.version,
        "consented": sorted(ac.consented),
        "disclosed": None if ac.disclosed is None else sorted(ac.disclosed),
    }


def _gpp(text: str, now: int) -> dict[str, Any]:
    gpp: GppString = _sound(read_gpp(text))
    return {
        "section_ids": list(gpp.section_ids),
        "sections": {NAMES.get(number, str(number)): _section(gpp, number, now) for number in gpp.section_ids},
        "sale_opt_out": bool(gpp_opt_outs("gpp", gpp).sale_opt_out),
    }


_SHOWN: dict[Format, Callable[[str, int], dict[str, Any]]] = {
    "tcf": _tcf,
    "gcs": _gcs,
    "gcd": _gcd,
    "usp": _usp,
    "gpp": _gpp,
    "ac": _ac,
}


def _sound(read: T | Invalid) -> T:
    if isinstance(read, Invalid):
        raise Malformed(read.reason)
    return read


def _section(gpp: GppString, number: int, now: int) -> Any:
    """One section by the form of its kind; None for one whose format is not read."""
    if number not in READABLE:
        return None
    section = gpp.section(number)
    if isinstance(section, Invalid):
        raise Malformed(f"{NAMES[number]}: {section.reason}")
    if isinstance(section, TCString):
        return _shown_tcf(section, now)
    if isinstance(section, UspString):
        return section.text
    fields = {name: list(value) if isinstance(value, tuple) else value for name, value in section.fields.items()}
    gpc = {} if section.gpc is None else {"Gpc": section.gpc}
    return {"Version": section.version, **fields, **gpc}


def _shown_tcf(tc: TCString, now: int) -> dict[str, Any]:
    vendors: Vendors = _sound(tc.vendors)
    because = why_not_valid(tc, now)
    return {
        "valid": because is None,
        "invalid_because": because,
        "version": tc.version,
        "created": _time(tc.created),
        "last_updated": _time(tc.last_updated),
        "cmp_id": tc.cmp_id,
        "cmp_version": tc.cmp_version,
        "consent_screen": tc.consent_screen,
        "consent_language": tc.consent_language,
        "vendor_list_version": tc.vendor_list_version,
        "tcf_policy_version": tc.tcf_policy_version,
        "is_service_specific": tc.is_service_specific,
        "special_feature_optins": sorted(tc.special_feature_optins),
        "purposes_consent": sorted(tc.purposes_consent),
        "purposes_li": sorted(tc.purposes_li),
        "purpose_one_treatment": tc.purpose_one_treatment,
        "publisher_cc": tc.publisher_cc,
        "vendor_consents": _numbers(vendors.consents),
        "vendor_li": _numbers(vendors.legitimate_interests),
        "disclosed_vendors": [] if vendors.disclosed is None else _numbers(vendors.disclosed),
        "pub_restrictions": _shown_restrictions(vendors.restrictions),
    }


def _shown_restrictions(restrictions: Iterable[Restriction]) -> list[dict[str, Any]]:
    shown = []
    room = MOST_RESTRICTED
    for restriction in restrictions:
        vendors = _numbers(restriction.vendors)
        room -= len(vendors)
        if room < 0:
            raise Malformed(f"the restrictions name more than {MOST_RESTRICTED} vendors, too many to write out")
        shown.append({"purpose": restriction.purpose, "type": restriction.kind, "vendors": vendors})
    return shown


def _numbers(vendors: VendorIds) -> list[int]:
    """The vendors of a set, ascending: at most 65535, however often its ranges overlap."""
    if vendors.field:
        bits = f"{vendors.field:0{vendors.highest}b}"
        return [number for number, bit in enumerate(bits, 1) if bit == "1"]
    return [number for first, last in _joined(vendors.ranges) for number in range(first, last + 1)]


def _joined(ranges: Iterable[Range]) -> Iterable[Range]:
    """Ranges without those parts that an earlier one has."""
    reached = 0
    for first, last in sorted(ranges):
        if last > reached:
            yield max(first, reached + 1), last
            reached = last


def _time(moment: int) -> str:
    return (_EPOCH + timedelta(milliseconds=moment)).strftime("%Y-%m-%dT%H:%M:%SZ")
