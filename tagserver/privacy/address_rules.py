"""What may stay of a web address that leaves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from tagserver.privacy.rules import Kind, query_kind

Loss = Literal[Kind, "click", "fragment", "query", "credentials"]
"""Why something of an address is gone: personal data of a kind, a click id without consent, a key that the site's list
does not name or that is too long."""


@dataclass(frozen=True, slots=True, eq=False)
class AddressRules:
    """What may stay; the same object for all events (`rules_of`), by which what was cleaned is remembered.

    `clicks`: click ids may stay. `allow`: the query's keys that may stay, lower case, `utm_*` for all that begin so;
    None: all but personal ones. `personal`: personal data may stay, too, and with it keys that `allow` does not name,
    and the fragment; `keys`: but for keys that name a person or let others in. `strip`: keys that go in any case, lower
    case."""

    clicks: bool = True
    allow: tuple[str, ...] | None = None
    personal: bool = False
    strip: frozenset[str] = frozenset()
    keys: bool = False

    def allows(self, key: str) -> bool:
        """Whether the site's list names a key."""
        return self.allow is not None and any(
            key.startswith(one[:-1]) if one.endswith("*") else key == one for one in self.allow
        )

    def strips(self, key: str) -> bool:
        """Whether a key goes in any case."""
        return key in self.strip or (self.keys and query_kind(key) is not None)

    @property
    def nested(self) -> AddressRules:
        """Those for addresses within an address: the site's lists are about the page's own keys."""
        return rules_of(self.clicks, None, self.personal)


NO_KEYS: frozenset[str] = frozenset()


@lru_cache(maxsize=256)
def rules_of(
    clicks: bool, allow: tuple[str, ...] | None, personal: bool, strip: frozenset[str] = NO_KEYS, keys: bool = False
) -> AddressRules:
    """The one object of some rules."""
    return AddressRules(clicks, allow, personal, strip, keys)


STRICT = rules_of(True, None, False)
"""Where nothing is said: click ids stay, and nothing personal."""
