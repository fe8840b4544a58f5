"""Why an outbox cannot be opened: sentences for the operator."""

from __future__ import annotations


class OutboxStartError(Exception):
    """The queue cannot be used; nothing was changed."""


class InUse(OutboxStartError):
    """Another process owns the data folder."""


class ForeignFile(OutboxStartError):
    """The file is no queue of ours, or one of a newer version."""


class Damaged(OutboxStartError):
    """The file is a queue of ours that cannot be read: it is set aside, and what can be read is saved."""
