"""What is told of a value in its place: `email, 17 characters`, never a letter of it; and what in a text looks like a
person's, wherever it stands.

Everything here takes time by the length of the text, and looks at a bounded piece of it. What is remembered is what
may be kept: texts that hold nothing personal, as far as anybody can see.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tagserver.event.placeholder import SIGNS, is_placeholder
from tagserver.privacy.detection import is_card, scanned
from tagserver.system.secret import masked as without_secrets
from tagserver.system.text import printable

LONGEST = 300
"""Characters of a masked text."""
LONGEST_VALUE = 100
"""Characters of a field's text that are kept."""
_LONGEST_EMAIL = 400
_MARGIN, _TAIL = 1024, 128
"""Characters that are looked at beyond those that are kept, and those at their end that are not."""
_MOST = 4096
"""Texts that are remembered; each has at most LONGEST_VALUE characters."""


# ── the shape of a value
# ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

_is_hash = re.compile(r"[0-9a-fA-F]{32,128}").fullmatch
_is_sha256 = re.compile(r"[0-9a-f]{64}").fullmatch
_is_email = re.compile(r"\s{0,9}[^@\s]{1,64}@[^@\s]{1,255}\s{0,9}").fullmatch
_is_phone = re.compile(r"[ (]{0,2}\+?[0-9][0-9 ()/.-]{4,40}").fullmatch
_is_iban = re.compile(r"[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]){11,30}").fullmatch
_PUNCTUATION = str.maketrans("", "", " ()/.-\t")
_LONGEST_NUMBER = 40
_STARTS = frozenset("0123456789+( ")
"""How a number begins, a telephone number too."""
SHORTEST_HASH = 32


def shape_of(text: str, named: str | None = None) -> str:
    """What a text is and how long, in words: `hash, normalised`, `phone, 12 characters`, `text, 23 characters`.
    `named`: what its key says that it is (`privacy.rules.key_kind`)."""
    length = len(text)
    first = text[:1]
    kind = "text"
    if length >= SHORTEST_HASH and _is_hash(text):
        if _is_sha256(text):
            return "hash, normalised"
        kind = "hash"
    elif "@" in text and length <= _LONGEST_EMAIL and _is_email(text):
        kind = "email"
    elif first in _STARTS and length <= _LONGEST_NUMBER and (found := _number_shape(text, named)):
        return found
    elif 15 <= length <= 42 and text[2].isdecimal() and _is_iban(text):
        kind = "iban"
    elif first == "e" and text[:3] == "eyJ" and text.count(".") in (2, 4):
        kind = "token"
    elif first in SIGNS and is_placeholder(text):
        kind = "placeholder"
    return f"{kind}, {length} characters" if length != 1 else f"{kind}, 1 character"


def _number_shape(text: str, named: str | None) -> str | None:
    """The shape of what holds digits alone, as people group them; None for anything else."""
    length = len(text)
    if named == "phone" or text[0] == "+":
        return f"phone, {length} characters" if _is_phone(text) else None
    digits = text.replace(".", "")
    if not digits.isdecimal():
        digits = text.translate(_PUNCTUATION)
    if not digits.isdecimal():
        return f"phone, {length} characters" if _is_phone(text) else None
    kind = "card" if 13 <= len(digits) <= 19 and "." not in text and _is_card(digits) else "number"
    return f"{kind}, {len(digits)} digits" if len(digits) != 1 else f"{kind}, 1 digit"


def _is_card(digits: str) -> bool:
    return digits.isascii() and is_card(digits)


# ── words that tell nothing of anybody
# ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

_LONGEST_SLUG = 40
_LONGEST_STEP = 80
_LONGEST_PATH = 200
_LONGEST_NAME = 64
_slug = re.compile(r"(?:[a-z_./-]*[0-9]){0,6}[a-z_./-]*").fullmatch
"""Few digits: dates of birth have more, and ids of browsers."""
_step = re.compile(r"(?:[a-z_.~-]*[0-9]){0,6}[a-z_.~-]*|[a-z]{2}[_-][A-Z]{2}|[A-Z]{2}").fullmatch
_name = re.compile(r"(?:[A-Za-z_.:$-]*[0-9]){0,6}[A-Za-z_.:$-]*").fullmatch
_may_be_a_name = re.compile(r"[A-Z][a-z]+|[A-Z]{5,64}").fullmatch
_IS_NONE = frozenset({"FPGCLAW", "FPGCLAG", "FPGCLGB", "JSESSIONID", "PHPSESSID"})
"""Cookies that are everywhere."""
_opaque = re.compile(r"[0-9a-f-]{20}|[a-z0-9]{26}|[0-9]{7}").search
"""A long row of hexadecimal digits, of letters and digits without a break, or of digits alone."""


class _Known(dict[str, bool]):
    """Whether a text passes a question. Those that do are remembered."""

    def __init__(self, question: Callable[[str], bool]) -> None:
        super().__init__()
        self._question = question

    def __missing__(self, text: str) -> bool:
        if not self._question(text):
            return False
        if len(self) >= _MOST:
            self.clear()
        self[text] = True
        return True


def _is_slug(text: str) -> bool:
    return len(text) <= _LONGEST_SLUG and _slug(text) is not None and _opaque(text) is None


def _is_step(text: str) -> bool:
    return len(text) <= _LONGEST_STEP and _step(text) is not None and _opaque(text) is None


def _is_name(key: str) -> bool:
    """Whether a key looks like the name of a field: letters, few digits, and no single word that is written as people
    write their names."""
    return (
        0 < len(key) <= _LONGEST_NAME
        and _name(key) is not None
        and (_may_be_a_name(key) is None or key in _IS_NONE)
        and _opaque(key.lower()) is None
    )


def _is_path(text: str) -> bool:
    return len(text) <= _LONGEST_PATH and all(map(_is_step, text.split("/")))


SLUGS = _Known(_is_slug)
"""`SLUGS[text]`: whether it is a word as programs write them: lower case, few digits, short."""
STEPS = _Known(_is_step)
"""`STEPS[text]`: whether a part of a path is one; these may be longer, or name a language."""
PATHS = _Known(_is_path)
"""`PATHS[text]`: whether all parts of a path are."""
NAMES = _Known(_is_name)
"""`NAMES[key]`: whether a key looks like the name of a field."""


# ── texts without what looks like a person's
# ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

_is_quiet = re.compile(r"(?:[^\d@%+\uff20]*\d){0,6}[^\d@%+\uff20]*").fullmatch
_hashes = re.compile(r"[0-9a-fA-F]{32,}")
_long_hashes = re.compile(r"[0-9a-fA-F]{40,}")
_ibans = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]){11,30}(?![A-Za-z0-9])")
_numbers = re.compile(r"\d(?:[ ()/.-]{0,2}\d){8,30}|\d{7,}")
_tokens = re.compile(r"eyJ[A-Za-z0-9_-]{8,}|[A-Za-z0-9_=-]{64,}")
"""The beginning of JSON in Base64, which is somebody's token where it was cut; and a word that nobody can read."""


def _without_persons(text: str, an_id: bool) -> str:
    if len(text) < SHORTEST_HASH and "eyJ" not in text and _is_quiet(text):
        return text
    if not text.isascii():
        text = text.replace("\uff20", "@")
    text = scanned(text, an_id=an_id)[0].replace("[redacted:", "[")
    text = _tokens.sub("[token]", (_long_hashes if an_id else _hashes).sub("[hash]", text))
    return text if an_id else _numbers.sub("[number]", _ibans.sub("[iban]", text))


_clean: set[str] = set()
"""Short texts that stay as they are."""


def masked_text(text: str, longest: int = LONGEST) -> str:
    """A text that comes from anybody, without what looks like an e-mail address, a telephone or card number, a bank
    account, a token, a hash or a long number, and without our secrets; on one line of at most `longest` characters."""
    if text in _clean:
        return text
    made = _bounded(text, longest, an_id=False, secrets=True)
    if made == text and len(text) <= LONGEST_VALUE:
        if len(_clean) >= _MOST:
            _clean.clear()
        _clean.add(text)
    return made


def _bounded(text: str, longest: int, *, an_id: bool, secrets: bool = False) -> str:
    cut = text[: longest + _MARGIN]
    made = printable(_without_persons(without_secrets(cut) if secrets else cut, an_id))
    if len(cut) < len(text):
        # What stands across the cut is not known for what it is.
        return made[:-_TAIL][: longest - 1] + "…"
    return made if len(made) <= longest else made[: longest - 1] + "…"


_is_id = re.compile(r"[A-Za-z0-9_.:/|=~*$,;!()-]{1,128}").fullmatch


def is_id(text: str) -> bool:
    """Whether a text is made like an id, and stays as it is: letters, digits and signs, and neither a token, a
    telephone number nor a bank account."""
    if _is_id(text) is None or "eyJ" in text or "tel:" in text:
        return False
    return not (text[2:4].isdecimal() and _sound_iban(text))


def masked_id(text: str) -> str:
    """An `event_id` or an order number as it may rest: as it is when it looks like an id, else as `masked_text` gives
    it, but with its numbers. It depends on the text alone, so that whoever knows an id finds what is kept of it."""
    if is_id(text):
        return text
    made = _bounded(text, LONGEST, an_id=True)
    return "[iban]" if _sound_iban(made) else made


def _sound_iban(text: str) -> bool:
    """Whether it is an IBAN with its check digits (ISO 13616): an id that looks like one is none."""
    if not (15 <= len(text) <= 42 and text[:2].isalpha() and text[2:4].isdecimal() and _is_iban(text)):
        return False
    bare = text.translate(_PUNCTUATION)
    return int("".join([str(int(sign, 36)) for sign in bare[4:] + bare[:4]])) % 97 == 1


_CONTEXT = "ctx."


def masked_field(path: str) -> str:
    """The path of a field, whose parts may be anybody's words: those that do not look like names are gone."""
    if NAMES[path]:
        return path
    return ".".join([one if not one or NAMES[one] else "[key]" for one in masked_text(path).split(".")])


def masked_note(path: str, message: str) -> tuple[str, str]:
    """A path, and a sentence that may repeat it; one about a batch's context does so without `ctx.`."""
    made = masked_field(path)
    if made != path:
        message = message.replace(path, made)
        if path.startswith(_CONTEXT):
            message = message.replace(path.removeprefix(_CONTEXT), made.removeprefix(_CONTEXT))
    return made, masked_text(message)


class _Kept(dict[str, str]):
    """A text of a field → as it may stand. What stays as it is and is short is remembered. `an_id`: of a thing."""

    def __init__(self, an_id: bool) -> None:
        super().__init__()
        self._an_id = an_id

    def __missing__(self, text: str) -> str:
        made = _bounded(text, LONGEST_VALUE, an_id=self._an_id)
        if made == text:
            if len(self) >= _MOST:
                self.clear()
            self[text] = text
        return made


TEXTS, IDS = _Kept(an_id=False), _Kept(an_id=True)
"""`TEXTS[text]`, and `IDS[text]` of what names a thing, in which numbers stay."""
