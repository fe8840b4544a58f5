"""The kit for authors of plugins: sample events, a fake vendor, examples as tests, and the conformance checks.

    from tagserver.testing import check_destination, run_example

    def test_it_keeps_the_rules() -> None:
        assert check_destination(MyDestination, {"key": "k", "token": "t"}) == []

Nothing here needs a network, a configuration or a running server.
"""

from __future__ import annotations

from tagserver.testing.client_examples import make_client, make_request, run_client_example
from tagserver.testing.clients import check_client
from tagserver.testing.conformance import check_destination
from tagserver.testing.events import NOW, make_event, make_settings, payloads_of, request_of, sample_events
from tagserver.testing.examples import expanded, load_examples, run_example, with_examples
from tagserver.testing.variables import check_variable
from tagserver.testing.vendor import FakeVendor

__all__ = [
    "NOW",
    "FakeVendor",
    "check_client",
    "check_destination",
    "check_variable",
    "expanded",
    "load_examples",
    "make_client",
    "make_event",
    "make_request",
    "make_settings",
    "payloads_of",
    "request_of",
    "run_client_example",
    "run_example",
    "sample_events",
    "with_examples",
]
