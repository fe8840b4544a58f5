"""The store of a server that has none, because its file cannot be opened: it holds nothing, and says why."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from tagserver.records.api import Group, Kept, RecordsError
from tagserver.records.values import Attempted, ContainerText, EventRecord, OrderEvent, OrderFate, Share


class NoRecords:
    """A `RecordStore`. `why`: a sentence."""

    def __init__(self, why: str) -> None:
        self.why = why

    def limit(self, keep: float, max_size: int) -> None:
        """Nothing to limit."""

    def write(self, group: Group) -> list[EventRecord]:
        """Refused."""
        raise RecordsError(self.why)

    def close(self) -> None:
        """Nothing to end."""

    def newest(self, before: int | None = None) -> Iterator[EventRecord]:
        """None."""
        return iter(())

    def numbered(self, number: int) -> EventRecord | None:
        """None."""
        return None

    def of_event(self, event_id: str) -> list[EventRecord]:
        """None."""
        return []

    def of_order(self, order: str) -> list[EventRecord]:
        """None."""
        return []

    def of_person(self, persons: Collection[bytes]) -> list[EventRecord]:
        """None."""
        return []

    def attempts(self, event_ids: Collection[str], since: int) -> list[Attempted]:
        """None."""
        return []

    def orders(self, order: str | None = None, since: int = 0) -> Iterator[OrderEvent]:
        """None."""
        return iter(())

    def fates(self, event_ids: Collection[str], since: int = 0) -> list[OrderFate]:
        """None."""
        return []

    def container(self, version: str) -> ContainerText | None:
        """None."""
        return None

    def kept(self) -> Kept:
        """Nothing."""
        return Kept(0, None, 0, 0)

    def erase(self, persons: Collection[bytes], orders: Collection[str] = ()) -> int:
        """Refused: whether the file holds the person nobody can tell."""
        raise RecordsError(self.why)

    def share(self, share: Share) -> None:
        """Refused."""
        raise RecordsError(self.why)

    def shared(self, name: str, now: int) -> Share | None:
        """None."""
        return None

    def shares(self, now: int) -> list[Share]:
        """None."""
        return []

    def revoke(self, name: str) -> bool:
        """Nothing to revoke."""
        return False
