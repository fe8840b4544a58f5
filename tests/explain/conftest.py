"""The usual configuration, and who asks it."""

from __future__ import annotations

import pytest

from tagserver.config.compile import Loaded

from ..config.world import load
from .world import CONTAINER, REGISTRY, SECRETS, SERVER, Ask


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    """One destination of every kind."""
    made = load({"server.yaml": SERVER, "container.yaml": CONTAINER}, SECRETS, REGISTRY)
    assert made.container is not None, made.problems
    return made


@pytest.fixture(scope="module")
def ask(loaded: Loaded) -> Ask:
    """The usual configuration."""
    return Ask(loaded)
