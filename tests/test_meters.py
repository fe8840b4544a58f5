"""Metrics as Prometheus reads them: names, types, units, and labels that no stranger can make."""

from __future__ import annotations

import re

from tagserver.delivery.outbox import Counts, Room
from tagserver.meters import Histogram, Meters, Picture

PICTURE = Picture(
    version="1.2.3",
    counts={"meta": Counts(accepted=10, delivered=5, pending=2, dead=2, erased=1, dead_by_reason={"expired": 2})},
    states={"meta": "open", "new": "ok"},
    oldest={"meta": 12.5, "new": None},
    room=Room(used=1024, limit=4096),
)
LINE = re.compile(r'([a-z_]+)(\{([a-z_]+="[^"\n]*",?)*\})? (-?[0-9.e+]+|\+Inf)\Z')


def samples(text: str) -> dict[str, float]:
    """Every line but comments."""
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if line[0] != "#"}


def test_every_line_can_be_read_and_every_metric_says_what_it_is() -> None:
    meters = Meters()
    meters.sent("meta", "ok", 0.2)
    meters.refused("origin")
    meters.blocked("meta_capi")
    text = meters.text(PICTURE)
    described = set(re.findall(r"^# TYPE (\S+) (?:counter|gauge|histogram)$", text, re.MULTILINE))
    assert described == set(re.findall(r"^# HELP (\S+) .+$", text, re.MULTILINE))
    for line in text.splitlines():
        if not line.startswith("#"):
            assert LINE.match(line), line
            name = line.partition("{")[0].partition(" ")[0]
            assert name in described or re.sub(r"_(bucket|sum|count)$", "", name) in described
            assert name.startswith("tagserver_")


def test_the_account_is_there() -> None:
    shown = samples(Meters().text(PICTURE))
    assert shown['tagserver_deliveries_accepted_total{destination="meta"}'] == 10
    parts = ("delivered_total", "pending", "dead", "erased_total")
    assert sum(shown[f'tagserver_deliveries_{part}{{destination="meta"}}'] for part in parts) == 10
    assert shown['tagserver_deliveries_dead_by_reason{destination="meta",reason="expired"}'] == 2
    assert shown['tagserver_oldest_pending_seconds{destination="meta"}'] == 12.5
    assert 'tagserver_oldest_pending_seconds{destination="new"}' not in shown
    assert (shown["tagserver_queue_bytes"], shown["tagserver_queue_limit_bytes"]) == (1024, 4096)


def test_a_destination_is_in_one_state() -> None:
    shown = samples(Meters().text(PICTURE))
    states = {
        key: value for key, value in shown.items() if key.startswith('tagserver_destination_state{destination="meta"')
    }
    assert sum(states.values()) == 1
    assert states['tagserver_destination_state{destination="meta",state="open"}'] == 1


def test_a_histogram_counts_up() -> None:
    histogram = Histogram((0.1, 1.0))
    for seconds in (0.05, 0.1, 0.5, 7.0):
        histogram.observe(seconds)
    meters = Meters()
    meters.commits = histogram
    shown = samples(meters.text(PICTURE))
    buckets = [shown[f'tagserver_commit_seconds_bucket{{le="{bound}"}}'] for bound in ("0.1", "1", "+Inf")]
    assert buckets == [2, 3, 4]
    assert shown["tagserver_commit_seconds_count"] == 4
    assert shown["tagserver_commit_seconds_sum"] == 7.65
