"""What a tag does not see of an event: of its data, and of what the server knows beside it.

An address, cookies, headers, click ids and places are no part of what a page pushed; who allows or excludes paths means
them too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tagserver.event.event import Event, Facts
from tagserver.event.spelling import nfc

Path = tuple[str, ...]
BESIDE = frozenset({"ip", "user_agent", "cookie", "header", "geo", "click"})
"""First parts of the paths that are known beside the data."""


class Hiding:
    """Paths of which only some are seen (`allowed`; None: all), and without the `excluded` ones."""

    def __init__(self, allowed: Sequence[Path] | None, excluded: Sequence[Path]) -> None:
        self._allowed = None if allowed is None else [_known(path) for path in allowed]
        self._excluded = [_known(path) for path in excluded]
        roots = {path[0] for path in self._excluded}
        self.beside = self._allowed is not None or bool(roots & BESIDE)
        """Whether anything beside the data is hidden."""

    def facts(self, facts: Facts) -> Facts:
        """What is left of what the server knows."""
        return msgspec.structs.replace(
            facts,
            ip=facts.ip if self._seen("ip") else None,
            user_agent=facts.user_agent if self._seen("user_agent") else None,
            country=facts.country if self._seen("geo", "country") else None,
            region=facts.region if self._seen("geo", "region") else None,
            headers=self._some("header", facts.headers),
            cookies=self._some("cookie", facts.cookies),
        )

    def clicks(self, event: Event) -> Mapping[str, str]:
        """What is left of an event's click ids."""
        return self._some("click", event.clicks)

    def narrowed(self, paths: Iterable[str]) -> frozenset[str]:
        """What is left of some declared paths (`user_data`, `cookie.*`), as far as it can be told without an event."""
        made: set[str] = set()
        for text in paths:
            path = _known(tuple(text.split(".")))
            if any(path[: len(one)] == one for one in self._excluded):
                continue
            if self._allowed is None:
                made.add(text)
                continue
            for one in self._allowed:
                if path == ("*",) or one[: len(path)] == path or (path[-1] == "*" and one[:-1] == path[:-1]):
                    made.add(".".join(one))
                elif path[: len(one)] == one:
                    made.add(text)
        return frozenset(made)

    def _seen(self, *path: str) -> bool:
        known = _known(path)
        if any(known[: len(one)] == one for one in self._excluded):
            return False
        return self._allowed is None or any(known[: len(one)] == one for one in self._allowed)

    def _some(self, root: str, texts: Mapping[str, str]) -> Mapping[str, str]:
        return {name: text for name, text in texts.items() if self._seen(root, name)}


def _known(path: Path) -> Path:
    """Names of cookies and headers may hold dots; those of headers have no case."""
    if path[0] in ("cookie", "header") and len(path) > 1:
        name = nfc(".".join(path[1:]))
        return path[0], name.lower() if path[0] == "header" else name
    return path
