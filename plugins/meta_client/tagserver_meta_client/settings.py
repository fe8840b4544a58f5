"""What is set for one access token."""

# ruff: noqa: RUF009 (`setting` makes a dataclass field; it is no default that instances share)

from __future__ import annotations

from dataclasses import dataclass

from tagserver.plugin import Secret, setting


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What is set is set for each access token."""


@dataclass(frozen=True, kw_only=True)
class TokenSource:
    """The settings of one access token, beside `secret`, `consent` and `basis`."""

    app_secret: Secret | None = setting(
        "The app secret that the SDK is set up with: every request must then be signed with it (appsecret_proof). "
        "Without it a proof is accepted and not looked at.",
        default=None,
    )
