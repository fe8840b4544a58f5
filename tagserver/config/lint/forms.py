"""What all values at a path have in common, by our own reading of an event: a path begins with a slash, a host is lower
case, an address is written in its short form. A text of another form is never equal to one of them.

The sources are `event.event` (what is derived), `inbound.clients.datalayer` and `inbound.person` (what a sender
writes), `inbound.enrich` (what a request says) and `expressions.derive` (what variables compute).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import quote

from tagserver.event.address import host_of, parse_address
from tagserver.event.ip_address import clean_ip
from tagserver.event.spelling import ADDRESS_SPELLINGS, PERSON_SPELLINGS, Path, canonical, is_email
from tagserver.expressions.networks import networks_of

Part = Literal["whole", "start", "end", "inside"]
"""Which part of a value a text is compared with."""
Case = Literal["lower", "upper"]
CASES: Mapping[str, Case] = {"lower": "lower", "upper": "upper"}
Fault = tuple[str, str]
"""Why no value has such a part, and what to write instead, or ""."""
Judge = Callable[[str, Part], Fault | None]


@dataclass(frozen=True, slots=True)
class Form:
    """`judge` says why no value has a text as this part of it. `case`: in which all of them are written, if in one;
    `shown`: in which a variable then writes them. `numbers`: what they are as numbers, None where that may be any; none
    at all for texts that are no number."""

    judge: Judge
    case: Case | None = None
    numbers: tuple[float, ...] | None = None
    shown: Case | None = None

    def fault(self, text: str, part: Part, *, ignore_case: bool = False) -> Fault | None:
        """As `judge`; the case counts unless it is ignored."""
        found = self.judge(_cased(text, self.case), part)
        shown = self.shown or self.case
        if found is None and not ignore_case and (cased := _cased(text, shown)) != text:
            return f"it is in {shown} case", f"write {cased}"
        return found

    def written(self, case: Case) -> Form:
        """The form of these values in another case."""
        return self if self.judge is _email else replace(self, shown=case)  # an address is compared in its own form


def _cased(text: str, case: Case | None) -> str:
    return text.lower() if case == "lower" else text.upper() if case == "upper" else text


# ── addresses of the web ─────────────────────────────────────────────────────────────────────────────────────────────

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,30}://")
_WEB = re.compile(r"https?://")
_PORT = re.compile(r"(.*[^:]):[0-9]+\Z")
_QUERY_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")
_AS_WRITTEN = "".join(map(chr, range(0x21, 0x7F)))
"""What a browser leaves alone in a path; everything else it encodes (URL Standard, path percent-encode set)."""
_OF_A_HOST = re.compile(r"[a-z0-9_.:\-\x80-\U0010ffff]*\Z")


def _path(text: str, part: Part) -> Fault | None:
    front = part in ("whole", "start")
    # A path may hold an address (`/out/https://…`); where its middle or end is compared, one of the web is taken for
    # the mistake that it nearly always is.
    if _SCHEME.match(text) if front else _WEB.match(text):
        path = parse_address(text).path
        return "a path begins behind the host", f"write {path}, or compare page.location" if path else ""
    if (sign := re.search(r"[?#]", text)) is not None:
        hint = "page.query.NAME is a value behind the ?" if sign[0] == "?" else "page.hash is what stands behind the #"
        before = text[: sign.start()]
        return "a path ends before ? and #", f"write {before}; {hint}" if before else hint
    if front and text.endswith("*"):
        return "a star stands for itself", f"write {{starts_with: {text.rstrip('*') or '/'}}}"
    if part == "whole" and not text:
        return "that of the start page is a slash", "write /"
    if front and text and text[0] not in "/\\":
        host, slash, rest = text.partition("/")
        named = "." in host and bool(slash) and host_of(host.lower()) is not None
        return "a path begins with a slash", f"write /{rest if named else text}"
    if (sent := quote(text, safe=_AS_WRITTEN)) != text:
        return f"browsers send {sent}, unless another program writes the address", f"write {sent}"
    return None


def _host(text: str, part: Part) -> Fault | None:
    if _SCHEME.match(text):
        host = parse_address(text).host
        return "a host has no scheme", f"write {host}" if host else ""
    host, sign, _ = text.partition("/")
    if sign:
        return "a host ends before the path", f"write {host}" if host else "compare page.path"
    if part == "whole" and text.startswith("*."):
        return "a star stands for itself", f"write {{ends_with: {text[1:]}}}"
    if part in ("whole", "start") and text.endswith("*"):
        return "a star stands for itself", f"write {{starts_with: {text[:-1]}}}"
    if part == "whole" and (port := _PORT.match(text)) is not None and host_of(text) is not None:
        return "a host has no port", f"write {port[1]}"
    if not _OF_A_HOST.match(text):
        return "no host looks like this", ""
    if part != "whole" or host_of(text) == text or _v6(text):
        return None
    return "no host looks like this", ""


def _v6(text: str) -> bool:
    try:
        return str(ipaddress.IPv6Address(text)) == text
    except ValueError:
        return False


def _hash(text: str, part: Part) -> Fault | None:
    if part in ("whole", "start") and text.startswith("#"):
        return "it begins behind the #", f"write {text[1:]}" if text[1:] else ""
    return None


def _query(text: str, part: Part) -> Fault | None:
    if _SCHEME.match(text) or text.startswith("?") or "=" in text:
        name = text.rpartition("?")[2].partition("=")[0].rpartition("&")[2]
        named = "=" in text and _QUERY_KEY.match(name)
        why = "each key of a query has a path of its own, unless the page pushes a text there"
        return why, f"write page.query.{name if named else 'NAME'}"
    return None


def _raw_query(text: str, part: Part) -> Fault | None:
    if part in ("whole", "start") and text.startswith("?"):
        return "it begins behind the ?", f"write {text[1:]}" if text[1:] else ""
    return None


def _protocol(text: str, part: Part) -> Fault | None:
    return None if re.fullmatch(r"[a-z0-9+.-]*", text) else ("it is the word alone", "write https")


def _extension(text: str, part: Part) -> Fault | None:
    return ("it begins behind the dot", f"write {text.rpartition('.')[2]}") if "." in text else None


# ── where somebody is ────────────────────────────────────────────────────────────────────────────────────────────────


def _ip(text: str, part: Part) -> Fault | None:
    if networks_of(text):
        return "it is a single address", "name networks with the operator in"
    if part != "whole":
        return None if re.fullmatch(r"[0-9a-f.:]*", text) else ("no address looks like this", "")
    short = clean_ip(text)
    if short is None:
        return "no address looks like this", ""
    return None if short == text else ("it stands in its short form, without a port", f"write {short}")


def _country(text: str, part: Part) -> Fault | None:
    if re.fullmatch(r"[A-Z]{2}", text) if part == "whole" else re.fullmatch(r"[A-Z]{0,2}", text):
        return None
    return "a country is two letters (ISO 3166)", "write DE for Germany"


def _region(text: str, part: Part) -> Fault | None:
    if part == "whole" and re.fullmatch(r"[A-Z0-9]{1,3}", text):
        return "a region begins with its country (ISO 3166-2)", f"write US-{text}" if text.isalpha() else ""
    if part == "whole":
        fits = re.fullmatch(r"[A-Z]{1,2}-[A-Z0-9]{1,3}", text)
    elif part == "start":
        fits = re.fullmatch(r"[A-Z]{0,2}(-[A-Z0-9]{0,3})?", text)
    else:
        fits = re.fullmatch(r"[A-Z0-9-]{0,6}", text)
    return None if fits else ("a region is a code (ISO 3166-2)", "write US-CA for California")


# ── other fields ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _trimmed(text: str, part: Part) -> Fault | None:
    whole = text.strip()
    fits = {"whole": whole, "start": text.lstrip(), "end": text.rstrip()}.get(part, text) == text
    return None if fits else ("there are no blanks around it", "write it without blanks around it")


def _email(text: str, part: Part) -> Fault | None:
    """Any text may stand there, and both sides are compared in the form that is hashed."""
    if text.startswith("*@"):
        return "a star stands for itself", f"write user_data.email_domain: {text[2:]}"
    return None


def _domain(text: str, part: Part) -> Fault | None:
    behind = text.rpartition("@")[2].removeprefix("*.")
    if "@" in text:
        return "it begins behind the @", f"write {behind}" if behind else ""
    if part == "whole" and text.startswith("*."):
        return "a star stands for itself", f"write {{ends_with: .{behind}}}"
    return None


def _milliseconds(text: str, part: Part) -> Fault | None:
    if re.fullmatch(r"-?[0-9]+", text) if part == "whole" else re.fullmatch(r"-?[0-9]*", text):
        return None
    return "it is a number of milliseconds", "a variable {time: event, as: date} is the day"


def _date(text: str, part: Part) -> Fault | None:
    fits = re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) if part == "whole" else re.fullmatch(r"[0-9-]{0,10}", text)
    return None if fits else ("it is a day", "write 2026-11-27")


def _whole_number(text: str, part: Part) -> Fault | None:
    return None if re.fullmatch(r"-?[0-9]*", text) else ("it is a whole number", "")


_OBJECT, _OBJECTS = "[object Object]", "[object Object]," * 3


def _group(text: str, part: Part) -> Fault | None:
    return None if text in _OBJECT else ("it is a group of fields, and no text", "name one of them")


def _items(text: str, part: Part) -> Fault | None:
    if text in _OBJECTS or text in "null":
        return None
    hint = 'a variable {items: "{{ items }}", pluck: item_id, join: ","} is a text of them'
    return "it is a list of items, and no text", hint


def _one_of(*words: str) -> Judge:
    fits: Mapping[Part, Callable[[str, str], bool]] = {
        "whole": lambda word, text: word == text,
        "start": str.startswith,
        "end": str.endswith,
        "inside": str.__contains__,
    }

    def judge(text: str, part: Part) -> Fault | None:
        if any(fits[part](word, text) for word in words):
            return None
        return f"it is one of {', '.join(words)}", ""

    return judge


def _digits_of_a_hash(text: str, part: Part) -> Fault | None:
    fits = re.fullmatch(r"[0-9a-f]{64}", text) if part == "whole" else re.fullmatch(r"[0-9a-f]{0,64}", text)
    return None if fits else ("it is a SHA-256: 64 digits and letters a to f", "")


def _any(text: str, part: Part) -> Fault | None:
    return None


NO_NUMBER: tuple[float, ...] = ()
ANY = Form(_any)
PATH = Form(_path, numbers=NO_NUMBER)
HOST = Form(_host, "lower")
IP = Form(_ip, "lower", NO_NUMBER)
GROUP = Form(_group, numbers=NO_NUMBER)
TRIMMED = Form(_trimmed)
EMAIL = Form(_email)
MILLISECONDS = Form(_milliseconds)
WHOLE = Form(_whole_number)
DATE = Form(_date, numbers=NO_NUMBER)

OF_PATHS: Mapping[Path, Form] = {
    ("page", "path"): PATH,
    ("page", "host"): HOST,
    ("page", "hash"): Form(_hash),
    ("page", "query"): Form(_query),
    ("ip",): IP,
    ("geo", "country"): Form(_country, "upper", NO_NUMBER),
    ("geo", "region"): Form(_region, "upper", NO_NUMBER),
    ("user_data", "email_domain"): Form(_domain, "lower"),
    ("timestamp",): MILLISECONDS,
    ("ecommerce", "items"): Form(_items, numbers=(0,)),  # an empty list is nought
    **dict.fromkeys([("page",), ("user_data",), ("ecommerce",), ("click",), ("cookie",)], GROUP),
}
OF_PARTS: Mapping[str, Form] = {
    "path": PATH,
    "host": HOST,
    "host_without_www": HOST,
    "fragment": Form(_hash),
    "query": Form(_raw_query),
    "protocol": Form(_protocol, "lower", NO_NUMBER),
    "port": WHOLE,
    "extension": Form(_extension),
}
"""The parts of an address that a variable `url:` takes out."""
OF_KINDS: Mapping[str, Form] = {
    "device": Form(_one_of("desktop", "mobile", "tablet", "bot"), numbers=NO_NUMBER),
    "truncate_ip": IP,
    "hash": Form(_digits_of_a_hash),
    "random": WHOLE,
}
"""What variables compute."""

_PERSON = {name for place in PERSON_SPELLINGS.values() for name in place[:1] if name != "address"}
_ADDRESS = set(ADDRESS_SPELLINGS.values()) | {"street", "country"}
_TEXTS = {
    *(("event",), ("event_id",), ("client_id",), ("user_id",), ("session_id",), ("action_source",), ("user_agent",)),
    *(("source",), ("client",), ("ecommerce", "currency"), ("ecommerce", "transaction_id")),
    *(("page", name) for name in ("location", "referrer", "title")),
    *(("user_data", name) for name in _PERSON),
    *(("user_data", "address", name) for name in _ADDRESS),
}
_TEXT_ROOTS = {"click", "cookie", "header", "geo"}


def form_of(path: str) -> Form:
    """The form of what stands at a path, in any of its spellings."""
    parts = canonical(path)
    if (form := OF_PATHS.get(parts)) is not None:
        return form
    if is_email(path):
        return EMAIL
    if parts[0] == "user_data" and len(parts) == (3 if parts[1] == "address" else 2):
        return TRIMMED
    return ANY


def may_be_true(path: str) -> bool:
    """Whether what stands at a path may be true or false, and not always a text or a number."""
    parts = canonical(path)
    is_text = parts in OF_PATHS or parts in _TEXTS or parts[0] in _TEXT_ROOTS or parts[:2] == ("page", "query")
    return not is_text
