"""Personal data in texts where nobody expects it: found, and replaced by a mark such as `[redacted:email]`.

Cheap looks come first. What is looked for, in this order:

- e-mail addresses, also percent-encoded once or twice;
- numbers of payment cards;
- telephone numbers that begin with `+` or `tel:`. Others look like order numbers, and are found by their key alone
  (`tagserver.privacy.rules`);
- tokens of JSON (JWT), which let others in.

Nothing here raises, and the work grows with the length of the text alone: each look is at a bounded piece.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote

from tagserver.privacy.rules import Kind, mark

LONGEST = 4096
"""Characters of a text that are looked at; a longer one that holds anything suspicious is cut to so many."""
_MARGIN = 512
"""What begins before the cut is seen whole."""
DECODINGS = 2


# ── a first look
# ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

_ENCODED = ("%40", "%2540", "%2B", "%2b", "%252B", "%252b")
"""`@` and `+`, encoded once and twice."""
_JSON = "eyJ"
"""How an object of JSON begins in Base64: `{"`."""
FLAT, BETWEEN = bytes.maketrans(b'123456789"?\\[', b"000000000://{"), b" -"
"""For `bytes.translate`: every digit becomes 0, and blanks and dashes go, so that a number is one row however it is
written. And for what is looked for in JSON: a quote becomes a colon, `?` and a backslash become slashes, so that an
address, or a text that begins as the part of one behind the host, has a slash behind a colon; lists open as objects."""
_NUMBER = "0" * 13


def suspicious(text: str, flat: str) -> bool:
    """Whether text may hold anything that `scanned` finds. Quick, and never wrong when it says no.

    `text`: it, or JSON of it; `flat`: the same, flattened by `FLAT`. Both may be UTF-8 that is read byte by byte, as
    Latin-1: all signs are ASCII. (In texts they are found faster than in bytes.)
    """
    if "@" in text or "tel:" in text or _JSON in text or ("%" in text and _is_encoded(text)):
        return True
    return _NUMBER in flat or ("+" in text and "+0" in flat)


def flattened(text: str) -> str:
    """A text, flattened."""
    return text.encode(errors="replace").translate(FLAT, BETWEEN).decode("latin-1")


def _is_encoded(text: str) -> bool:
    return any(one in text for one in _ENCODED)


# ── a second look
# ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def scanned(text: str, *, an_id: bool = False) -> tuple[str, tuple[Kind, ...]]:
    """The text without what was found in it, and the kinds of that. A text in which nothing is found comes back as it
    is. `an_id`: it is an identifier of a thing, so a long number in it is no payment card."""
    if not suspicious(text, flattened(text)):
        return text, ()
    found: dict[Kind, None] = {}
    long = len(text) > LONGEST
    made = _marked(text[: LONGEST + _MARGIN] if long else text, found, an_id)
    if _is_encoded(made):
        made = "".join([_decoded(word, found, an_id) if "%" in word else word for word in _words(made)])
    return (made[:LONGEST] if long else made), tuple(found)


def may_hide_email(data: bytes) -> bool:
    """Whether UTF-8 text may hold an e-mail address, an encoded one too."""
    text = data.decode("latin-1")
    return "@" in text or ("%" in text and _is_encoded(text))


def without_emails(text: str) -> str:
    """The text without e-mail addresses, encoded ones too; the very same text when there are none."""
    if "@" not in text and not ("%" in text and _is_encoded(text)):
        return text
    found: dict[Kind, None] = {}
    made = _without(_emails, "email", text, found)
    if _is_encoded(made):
        made = "".join([_decoded(word, {}, True) if _hides_email(word) else word for word in _words(made)])
    return made


def _hides_email(word: str) -> bool:
    hidden: dict[Kind, None] = {}
    _decoded(word, hidden, True)
    return "email" in hidden


_words = re.compile(r"(\s+)").split


def _decoded(word: str, found: dict[Kind, None], an_id: bool) -> str:
    """A word as it is, or the mark of what is in it once it is decoded: it cannot be put back in its place."""
    made = word
    for _ in range(DECODINGS):
        if not _is_encoded(made):
            break
        made = unquote(made)
        hidden: dict[Kind, None] = {}
        _marked(made, hidden, an_id)
        if hidden:
            found |= hidden
            return mark(next(iter(hidden)))
    return word


def _marked(text: str, found: dict[Kind, None], an_id: bool) -> str:
    text = _without(_emails, "email", text, found)
    if not an_id:
        text = _without(_cards, "card", text, found)
    text = _without(_phones, "phone", text, found)
    return _without(_tokens, "token", text, found) if _JSON in text else text


Span = tuple[int, int]
_Find = Callable[[str], Iterator[Span]]


def _without(find: _Find, kind: Kind, text: str, found: dict[Kind, None]) -> str:
    pieces: list[str] = []
    at = 0
    for start, end in find(text):
        pieces += (text[at:start], mark(kind))
        at = end
    if not at:
        return text
    found[kind] = None
    return "".join(pieces) + text[at:]


_local = re.compile(r"[\w.+'%~-]{1,64}").match
_domain = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}([A-Za-z]{2,24})(?![\w-])").match
_FILES = frozenset(["png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico", "css", "js", "mjs", "map"])
"""`logo@2x.png` and `x@y.js` are files, whatever they look like."""
_LONGEST_LOCAL, _LONGEST_DOMAIN = 64, 255


def _emails(text: str) -> Iterator[Span]:
    at, end = text.find("@"), 0
    while at >= 0:
        # From the sign to both sides, so that each sign costs the same however long the text is.
        local = _local(text[max(end, at - _LONGEST_LOCAL) : at][::-1])
        domain = _domain(text[at + 1 : at + 1 + _LONGEST_DOMAIN]) if local else None
        if (
            local is not None
            and domain is not None
            and domain[1].lower() not in _FILES
            and local[0] != "tig"  # git@github.com: an address of a repository
        ):
            end = at + 1 + domain.end()
            yield at - local.end(), end
        at = text.find("@", at + 1)


_rows = re.compile(r"[0-9]{3,}(?:[ -][0-9]{3,})*").finditer
"""A card's number stands in one row, or in groups of three to six: smaller ones are sizes and quantities."""
_FEWEST, _MOST = 13, 19


def _cards(text: str) -> Iterator[Span]:
    """Groups of digits with one blank or dash between them that together are the number of a card."""
    for row in _rows(text):
        if row.end() - row.start() >= _FEWEST:
            yield from _cards_of(text, row.start(), row[0].replace("-", " ").split(" "))


def _cards_of(text: str, start: int, groups: list[str]) -> Iterator[Span]:
    first = 0
    while first < len(groups):
        following, digits = first + 1, 0
        for last in range(first, len(groups)):
            digits += len(groups[last])
            if digits > _MOST:
                break
            if digits >= _FEWEST and is_card("".join(groups[first : last + 1])):
                end = start + digits + last - first
                if _stands_alone(text, start, end):
                    yield start, end
                    following = last + 1
                    break
        start += sum(map(len, groups[first:following])) + following - first
        first = following


def _stands_alone(text: str, start: int, end: int) -> bool:
    """No part of a word, a decimal or a longer id."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if before.isalnum() or before in ("_", ".") or after.isalnum() or after == "_":
        return False
    return not (after == "." and text[end + 1 : end + 2].isdigit())


def is_card(digits: str) -> bool:
    """Whether a row of digits is the number of a payment card: its length and first digits are those of a network, its
    last one is Luhn's.

    A row that is a sound GTIN is one: barcodes of German products begin with 4, and so does Visa.
    """
    return _of_a_network(digits) and _luhn(digits) and not (len(digits) in (13, 14) and _gtin(digits))


def _of_a_network(digits: str) -> bool:
    length, two, four = len(digits), int(digits[:2]), int(digits[:4])
    if digits[0] == "4":
        return length in (13, 16, 19)
    if two in (34, 37):
        return length == 15
    if two in (36, 38, 39) or 3000 <= four < 3060 or 3095 <= four < 3096:
        return 14 <= length <= 19
    if 51 <= two <= 55 or 2200 <= four <= 2204 or 2221 <= four <= 2720:
        return length == 16
    long = 16 <= length <= 19
    return long and (
        3528 <= four <= 3589 or two in (50, 56, 57, 58, 62, 63, 65, 67) or 6440 <= four < 6500 or four == 6011
    )


_VALUES = bytes.maketrans(b"0123456789", bytes(range(10)))
_DOUBLED = bytes.maketrans(b"0123456789", bytes([0, 2, 4, 6, 8, 1, 3, 5, 7, 9]))


def _luhn(digits: str) -> bool:
    row = digits.encode()
    return (sum(row[-1::-2].translate(_VALUES)) + sum(row[-2::-2].translate(_DOUBLED))) % 10 == 0


def _gtin(digits: str) -> bool:
    row = digits.encode().translate(_VALUES)
    return (sum(row[-1::-2]) + 3 * sum(row[-2::-2])) % 10 == 0


_phone = re.compile(r"(?:(?<![\w+])\+|(?<!\w)tel:\+?)[0-9](?:[ ()./-]{0,2}[0-9]){6,14}(?![0-9])").finditer


def _phones(text: str) -> Iterator[Span]:
    for found in _phone(text):
        yield found.span()


_token = re.compile(r"(?<![\w-])eyJ[\w-]{8,4096}(?:\.[\w-]{0,4096}){2,4}", re.ASCII).finditer


def _tokens(text: str) -> Iterator[Span]:
    """Tokens of JSON (RFC 7519): header, claims, signature, which may be empty."""
    for found in _token(text):
        yield found.span()
