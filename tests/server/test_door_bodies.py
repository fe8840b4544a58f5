"""What a body holds, without a server around it."""

from __future__ import annotations

import dataclasses

import pytest
from tagserver_segment import Segment

from tagserver.config.collect import CollectConfig
from tagserver.ingest.body import BadBody
from tagserver.plugin.inbound import InboundRequest
from tagserver.server.door_bodies import read_held
from tagserver.testing import NOW, make_client

CLIENT = make_client(Segment, {"jobs": {"secret": "jobs-key", "browser": False}}, {})
BODY = b'{"batch":[{"type":"track","event":"a"},{"type":"track","event":"b"}]}'


@pytest.mark.parametrize(("most", "length", "codes"), [(2, 1, []), (1, 1, ["too_many_events"]), (2, 0, ["too_large"])])
def test_a_request_makes_no_more_events_than_one_may(most: int, length: int, codes: list[str]) -> None:
    """Neither of their number, nor of what they are long together."""
    limits = dataclasses.replace(CollectConfig(), max_events=most, max_body=length << 20)
    request = InboundRequest("POST", "/v1/batch", {"call": "batch"}, "", {}, BODY, NOW, False)
    found = []
    try:
        assert len(read_held(CLIENT, BODY, request, "jobs", limits).listed) == 2
    except BadBody as bad:
        found.append(bad.code)
    assert found == codes
