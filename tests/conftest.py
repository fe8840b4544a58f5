"""How many examples the property tests take, and what a run of all tests does not pay for.

In `tests/run` property tests take a third of the examples (profile `ci`, the same ones each time); by themselves, as in
`tests/run properties`, all of them and new ones each time.
"""

from __future__ import annotations

import gc

from hypothesis import settings

settings.register_profile("ci", settings.get_profile("ci"), max_examples=33)

gc.disable()
"""Until all tests are collected: what they are made of stays, and is looked through in vain until then."""


def pytest_collection_finish() -> None:
    """Nor is it looked through in any collection of garbage later."""
    gc.freeze()
    gc.enable()
