"""The bits of a text: how TCF and GPP pack numbers into letters; and Invalid, which a decoder gives for what it cannot
read.

Each letter is six bits of the base64url alphabet, the first bit is the left one: `DBABM` is 000011 000001 000000 000001
001100. There is no padding character, and any number of letters is allowed, which a base64 decoder would refuse.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Invalid:
    """Why a text cannot be read: a phrase for people. It never holds the text itself."""

    reason: str


class Malformed(Exception):
    """Ends the reading of one string. Inside this package only: every public decoder turns it into Invalid."""


class TooLong(Malformed):
    """All fields were read, and something follows that is not padding."""


_URL = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_STANDARD = bytes.maketrans(b"-_", b"+/")
LONGEST_FIBONACCI = 24
"""Bits of one number in Fibonacci code; the largest number is then 75024."""


class Bits:
    """Reads a text from left to right. `name` is the part of the string that it is, for reasons.

    Raises Malformed for letters outside the alphabet, and when a field reaches beyond the end.
    """

    __slots__ = ("_data", "_length", "_name", "_position")

    def __init__(self, text: str, name: str) -> None:
        letters = text.encode("ascii", "replace")
        if not letters:
            raise Malformed(f"{name} is empty")
        if letters.translate(None, _URL):
            raise Malformed(f"{name} has a character outside A-Z a-z 0-9 - _")
        # Four letters are three bytes: what is missing to that is filled up, and `_length` says where the text ended.
        self._data = binascii.a2b_base64(letters.translate(_STANDARD) + b"A" * (-len(letters) % 4))
        self._length = 6 * len(letters)
        self._position = 0
        self._name = name

    def take(self, width: int) -> int:
        """The next `width` bits as a number."""
        begin, end = self._position, self._position + width
        if end > self._length:
            raise Malformed(f"{self._name} ends too early")
        self._position = end
        # Only the bytes that hold the field are looked at, so that a long string costs no more per field.
        last = end + 7 >> 3
        return int.from_bytes(self._data[begin >> 3 : last]) >> (last << 3) - end & (1 << width) - 1

    def fibonacci(self) -> int:
        """The next number in Fibonacci code: weights 1, 2, 3, 5, 8, ... from the left, ended by two ones in a row."""
        number, weight, following = 0, 1, 2
        before = 0
        for _ in range(LONGEST_FIBONACCI):
            bit = self.take(1)
            if bit and before:
                return number
            number += weight * bit
            weight, following, before = following, weight + following, bit
        raise Malformed(f"{self._name} has a number that is too large")

    def finish(self) -> None:
        """Nothing but zeros may be left: letters fill up six bits, and writers fill up to eight or more."""
        if self.take(self._length - self._position):
            raise TooLong(f"{self._name} goes on after its last field")
