"""A secret value that cannot print itself."""

from __future__ import annotations

import hmac

SHORTEST = 8
"""Characters of a secret that is worth looking for; a shorter one stands in every second line by chance."""
_hidden: set[str] = set()


def hide(text: str) -> None:
    """`masked` takes this out from now on. There is one set for the process, as there is one log: also a token that was
    replaced must never be printed."""
    if len(text) >= SHORTEST:
        _hidden.add(text)


def masked(text: str) -> str:
    """The text without any secret that this process has read."""
    for hidden in sorted(_hidden, key=len, reverse=True):
        text = text.replace(hidden, "[secret]")
    return text


class Secret:
    """Text such as an access token. `repr`, `str` and formatting show stars; only `reveal()` gives the text.

    A secret is not pickled, not compared with plain text, and not part of any fingerprint.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text
        hide(text)

    def reveal(self) -> str:
        """The text itself. Call it only where a request is made."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(••••)"

    def __str__(self) -> str:
        return "••••"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(
            self._text.encode(errors="surrogatepass"), other._text.encode(errors="surrogatepass")
        )

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce__(self) -> str:
        raise TypeError("a secret is not serialised")
