"""Metrics as Prometheus reads them: names, types, units, and labels that no stranger can make."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from tagserver import BUILD
from tagserver.metrics import labels
from tagserver.metrics.meters import Histogram, Meters, Picture
from tagserver.queue.values import Counts, Room
from tagserver.server.doors import GUESSES
from tagserver.system.machine import ProcessFacts, process_facts

PICTURE = Picture(
    version="1.2.3",
    counts={"meta": Counts(accepted=10, delivered=5, pending=2, dead=2, erased=1, dead_by_reason={"expired": 2})},
    states={"meta": "open", "new": "ok"},
    oldest={"meta": 12.5, "new": None},
    room=Room(used=1024, limit=4096),
)
PROCESS = ProcessFacts(cpu=1.5, memory=1 << 20, files=12, most_files=1024)
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
            assert name.startswith(("tagserver_", "process_"))


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


def test_whether_it_is_well() -> None:
    for ready, degraded in ((True, False), (True, True), (False, False)):
        picture = msgspec.structs.replace(PICTURE, ready=ready, degraded=degraded, loaded=1_700_000_000.5)
        shown = samples(Meters().text(picture))
        assert (shown["tagserver_ready"], shown["tagserver_degraded"]) == (ready, degraded)
        assert shown["tagserver_container_loaded_timestamp_seconds"] == 1_700_000_000.5


def test_the_process_has_the_names_that_dashboards_know() -> None:
    meters = Meters(started=1_700_000_000.0, process=lambda: PROCESS)
    meters.connections = lambda: 7
    shown = samples(meters.text(PICTURE))
    assert shown["process_start_time_seconds"] == 1_700_000_000
    assert shown["process_cpu_seconds_total"] == 1.5
    assert shown["process_resident_memory_bytes"] == 1 << 20
    assert (shown["process_open_fds"], shown["process_max_fds"]) == (12, 1024)
    assert shown["tagserver_connections"] == 7


def test_what_runs_is_told() -> None:
    """Version, commit and the libraries."""
    text = Meters().text(msgspec.structs.replace(PICTURE, version="1.2.3"))
    assert f'tagserver_info{{version="1.2.3",commit="{BUILD.commit}",python="' in text


def test_what_the_system_does_not_say_is_left_out() -> None:
    unknown = ProcessFacts(cpu=0.0, memory=None, files=None, most_files=None)
    text = Meters(process=lambda: unknown).text(PICTURE)
    assert "# TYPE process_open_fds gauge" in text
    assert not re.search(r"^process_open_fds", text, re.MULTILINE)


def test_the_facts_of_this_process() -> None:
    facts = process_facts()
    assert facts.memory is None or facts.memory > 1 << 20
    with open("/dev/null") as _:
        more = process_facts()
    assert facts.files is None or more.files == facts.files + 1


def test_proxies_are_counted_in_bounds() -> None:
    meters = Meters()
    for header in (None, "a", "a, b", "a, b", ",".join("a" * 50), ",".join("a" * 5000)):
        meters.forwarded(header)
    found = {key: value for key, value in samples(meters.text(PICTURE)).items() if "forwarded" in key}
    assert list(found.values()) == [1, 1, 2, 2]
    assert list(found)[-1] == 'tagserver_forwarded_requests_total{entries="5"}'


def test_what_is_counted_by_a_word_of_ours_is_there_before_it_happens() -> None:
    """Prometheus sees no increase where a series begins with what was to be noticed."""
    found = samples(Meters(plugins=["slow"]).text(PICTURE))
    for name in (
        'tagserver_requests_total{status="503"}',
        'tagserver_requests_refused_total{reason="admin_later"}',
        'tagserver_loop_blocked_total{culprit="slow"}',
        'tagserver_loop_blocked_total{culprit="tagserver"}',
        'tagserver_loop_blocked_total{culprit="unknown"}',
        'tagserver_dead_total{destination="meta",reason="expired",code=""}',
    ):
        assert found[name] == 0


def test_each_reason_of_a_refusal_is_known() -> None:
    """As the server's modules name them; a form or an order of an operator that is wrong is none."""
    named = set()
    names = re.compile(
        r'[._]refused\("(\w+)"\)|BadBody\(\d+, "(\w+)"|\.refuse\(\d+, "[^"]+", "(\w+)"|\breason(?:: str)? ?= ?"(\w+)"'
    )
    ours = Path(labels.__file__).parents[1]
    for path in (*(ours / "server").rglob("*.py"), *(ours / "ingest").rglob("*.py")):
        found = names.findall(path.read_text())
        named |= {one for one in found if one[1] == "" or not {"pages", "admin"} & set(path.parts)}
    assert {"".join(groups) for groups in named} | {reason for _, reason in GUESSES.values()} == set(labels.REFUSALS)
    found = samples(Meters().text(PICTURE))
    assert sum(key.startswith("tagserver_requests_refused_total") for key in found) == len(labels.REFUSALS)
