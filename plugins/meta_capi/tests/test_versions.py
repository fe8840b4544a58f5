"""How long Meta answers a version of its API."""

from __future__ import annotations

from datetime import date

import pytest
from tagserver_meta_capi import MetaCapi
from tagserver_meta_capi.settings import MetaSettings

from tagserver.testing import make_settings


@pytest.mark.parametrize(
    ("version", "ends"), [("v25.0", date(2028, 2, 18)), ("v26.0", date(2028, 7, 29)), ("v3.2", None), ("v99.0", None)]
)
def test_two_years_from_its_release(version: str, ends: date | None) -> None:
    """What is not known is not guessed."""
    settings = make_settings(MetaCapi, {"pixel_id": "1", "access_token": "t", "api_version": version})
    assert MetaCapi().version_ends(settings) == ends


def test_the_default_version_has_an_end() -> None:
    """So that it is said when it is due."""
    default = MetaSettings.__dataclass_fields__["api_version"].default
    settings = make_settings(MetaCapi, {"pixel_id": "1", "access_token": "t", "api_version": default})
    assert MetaCapi().version_ends(settings) is not None
