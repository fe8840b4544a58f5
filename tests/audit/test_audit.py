"""What stands on record of a server's decisions, and what does not."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tagserver.audit.audit import Audit
from tagserver.audit.chain import Check
from tagserver.audit.files import FOLDER, files_of, read_rows, rows_of
from tagserver.audit.records import Decided
from tagserver.cli import main
from tagserver.consent.model.policy import ConsentPolicy, Needs
from tagserver.expressions.scope import Scope
from tagserver.pipeline.route import Decision, Routing
from tagserver.queue.data_folder import install_key
from tests.delivery.test_send_policy import TAG
from tests.events import consent_of, event
from tests.fake_time import FakeTime

EMAIL = "erika@example.com"
GRANTED = {"ad_storage": "granted", "ad_user_data": "granted", "ad_personalization": "granted"}
ORDER = "order-of-erika@example.com"


def routing(event_id: str, decision: Any = "send", reason: str = "fired", consent: Any = GRANTED) -> Routing:
    """An event of somebody, for one tag."""
    made = event(
        {
            "event_id": event_id,
            "consent": consent,
            "user_id": "u-erika",
            "client_id": "c-erika",
            "user_data": {"email": EMAIL, "phone_number": "+4930123456"},
            "page": {"location": f"https://shop.example/?mail={EMAIL}"},
        },
        ip="198.51.100.7",
        user_agent="Mozilla/5.0",
    )
    state = consent_of(made, ConsentPolicy())
    return Routing(made, Scope(made), state, (Decision(TAG, decision, reason, f"detail with {EMAIL}"),))


def start(data: Path, clock: FakeTime, **options: Any) -> Audit:
    values = {"keep": 395 * 86400.0, "max_size": 1 << 20, "min_free": 0, "every": 0.01}
    return Audit(data, install_key(data), time=clock, **(values | options))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def rows(data: Path) -> list[dict[str, Any]]:
    """What stands there; the chain must hold."""
    check = Check()
    found = list(read_rows(data / FOLDER))
    assert [str(one) for one in (*check.follow(found), *check.finish())] == []
    return [dict(row.record or {}) for row in found]


def kinds(data: Path) -> Iterator[str]:
    return (row["kind"] for row in rows(data))


def test_a_delivery_has_a_row_with_what_was_needed_and_what_was_said(data: Path, clock: FakeTime) -> None:
    """The state stands once, before the first row that names it."""
    audit = start(data, clock)
    audit.decided([Decided.of("c1", routing("e1"))])
    audit.decided([Decided.of("c1", routing("e2", "restrict"))])
    audit.close()
    begin, state, one, two, end = rows(data)
    assert [row["kind"] for row in (begin, state, one, two, end)] == ["start", "state", "decision", "decision", "stop"]
    assert {key: one[key] for key in ("tag", "destination", "decision", "reason", "needs", "container")} == {
        "tag": "Tag",
        "destination": "meta",
        "decision": "send",
        "reason": "fired",
        "needs": ["ad_storage", "ad_user_data"],
        "container": "c1",
    }
    assert one["state"] == two["state"] == state["state"]
    assert one["event"] != two["event"]
    assert state["purposes"]["ad_storage"] == ["granted", "explicit", ["consent"]]
    assert state["purposes"]["analytics_storage"] == ["unset", None, []]
    assert state["proof"] == routing("e").consent.proof
    assert {"sale_opt_out_sources", "region", "gdpr_applies", "tcf", "raw_sha256"} <= state.keys()


def test_what_was_not_sent_is_counted_together(data: Path, clock: FakeTime) -> None:
    """By tag, reason and state."""
    audit = start(data, clock, every=60)
    for number in range(30):
        audit.decided([Decided.of("c1", routing(f"b{number}", "block", "consent", {"ad_storage": "denied"}))])
        audit.decided([Decided.of("c1", routing(f"s{number}", "skip", "paused"))])
    audit.close()
    counts = {row["reason"]: row["count"] for row in rows(data) if row["kind"] == "count"}
    assert counts == {"consent": 30, "paused": 30}
    assert "decision" not in kinds(data)


def test_no_row_says_who(data: Path, clock: FakeTime) -> None:
    """Neither in the clear nor hashed, and no event_id: it may be made of a person."""
    audit = start(data, clock)
    audit.decided([Decided.of("c1", routing(ORDER))])
    audit.decided([Decided.of("c1", routing(ORDER, "block", "consent", {"ad_storage": "denied"}))])
    audit.stopped(ORDER, "Tag", "meta", "the person has withdrawn ad_storage")
    audit.close()
    text = b"".join(path.read_bytes() for path in files_of(data / FOLDER)).decode()
    known = [EMAIL, ORDER, "u-erika", "c-erika", "4930123456", "198.51.100", "Mozilla", "shop.example"]
    hashes = [getattr(hashlib, name)(one.encode()).hexdigest() for one in known for name in ("sha256", "md5", "sha1")]
    hashes += [hashlib.blake2b(one.encode(), digest_size=size).hexdigest() for one in known for size in (8, 16)]
    assert [one for one in (*known, *hashes) if one in text or one[:16] in text] == []


def test_an_event_is_found_by_who_has_the_key_of_the_installation(tmp_path: Path, data: Path, clock: FakeTime) -> None:
    """Another installation gives the same id another name."""
    other = tmp_path / "other"
    other.mkdir()
    names = []
    for folder in (data, other):
        audit = start(folder, clock)
        audit.decided([Decided.of("c1", routing("e1"))])
        audit.close()
        names += [row["event"] for row in rows(folder) if row["kind"] == "decision"]
    assert len(set(names)) == 2


def test_rotation_writes_states_again_and_the_chain_goes_on(data: Path, clock: FakeTime) -> None:
    """Each file can be read for itself."""
    audit = start(data, clock, max_size=100_000)
    for number in range(60):
        audit.decided([Decided.of("c1", routing(f"e{number}"))])
        time.sleep(0.002)
    audit.close()
    rows(data)
    assert len(files_of(data / FOLDER)) > 1
    for path in files_of(data / FOLDER):
        seen: set[str] = set()
        for row in (one.record or {} for one in rows_of(path)):
            if row["kind"] == "state":
                seen.add(row["state"])
            assert row["kind"] != "decision" or row["state"] in seen


def test_an_end_without_a_stop_can_be_seen(data: Path, clock: FakeTime) -> None:
    """After a kill the chain goes on, and the last second may be missing: two starts without a stop say so."""
    audit = start(data, clock)
    audit.decided([Decided.of("c1", routing("e1"))])
    audit.close()
    (path,) = files_of(data / FOLDER)
    path.write_bytes(path.read_bytes()[:-20])
    start(data, clock).close()
    assert list(kinds(data)) == ["start", "state", "decision", "start", "stop"]
    assert rows(data)[3]["torn"] > 0


def test_what_cannot_be_written_is_counted_and_costs_nobody_an_event(
    data: Path, clock: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    """The folder is a file: once that is mended, the next rows say how much is missing."""
    caplog.set_level("INFO", "tagserver.audit")
    (data / FOLDER).write_text("in the way")
    audit = start(data, clock, every=0.005)
    for number in range(5):
        audit.decided([Decided.of("c1", routing(f"e{number}"))])
        time.sleep(0.01)
    audit.note("withdrawal", by="key")
    time.sleep(0.02)
    assert audit.lost == 6
    (data / FOLDER).unlink()
    audit.decided([Decided.of("c1", routing("later"))])
    audit.close()
    assert caplog.text.count("the audit is written again; events and acts of meanwhile that are not on record: 6") == 1
    assert [row["count"] for row in rows(data) if row["kind"] == "lost"] == [6]
    assert sum(kind == "decision" for kind in kinds(data)) == 1
    assert caplog.text.count("the audit cannot be written") == 1
    assert EMAIL not in caplog.text


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.005)
    raise AssertionError("in vain")


def test_what_comes_and_goes_does_not_flood_the_log(
    data: Path, clock: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    """On a disk that is nearly full one row fits, and the next does not."""
    caplog.set_level("INFO", "tagserver.audit")
    audit = start(data, clock, every=0.005)
    folder, aside = data / FOLDER, data / "aside"
    for number in range(5):
        wait_for(folder.exists)
        folder.rename(aside)
        audit.decided([Decided.of("c1", routing(f"e{number}"))])
        wait_for(lambda: audit.lost > number)  # noqa: B023 - asked within this turn
        aside.rename(folder)
        audit.decided([Decided.of("c1", routing(f"w{number}"))])
        time.sleep(0.02)
    audit.close()
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]


def test_an_event_that_no_tag_wanted_leaves_nothing(data: Path, clock: FakeTime) -> None:
    audit = start(data, clock)
    one = routing("e1")
    audit.decided([Decided.of("c1", Routing(one.event, one.scope, one.consent, ()))])
    audit.close()
    assert list(kinds(data)) == ["start", "stop"]


def test_nor_does_it_keep_the_state_of_the_next_one_from_being_written(data: Path, clock: FakeTime) -> None:
    audit = start(data, clock)
    one = routing("e1")
    audit.decided([Decided.of("c1", Routing(one.event, one.scope, one.consent, ())), Decided.of("c1", one)])
    audit.close()
    assert list(kinds(data)) == ["start", "state", "decision", "stop"]


# ── the command


def command(data: Path, *words: str) -> tuple[int, list[str]]:
    result = CliRunner().invoke(main, ["audit", "--data", str(data), *words])
    return result.exit_code, result.output.splitlines()


@pytest.fixture
def kept(data: Path, clock: FakeTime) -> Path:
    """A data folder after two lives, with two deliveries each."""
    for number in range(2):
        audit = start(data, clock)
        audit.decided([Decided.of("c1", routing(f"e{number}"))])
        audit.decided([Decided.of("c1", routing(f"n{number}", "restrict"))])
        audit.close()
    return data


def test_it_is_printed_as_it_is_kept(kept: Path) -> None:
    code, lines = command(kept)
    assert (code, [json.loads(line) for line in lines]) == (0, rows(kept))


def test_the_rows_of_an_event_with_the_state_that_they_name(kept: Path) -> None:
    code, lines = command(kept, "--event-id", "e1")
    assert (code, [json.loads(line)["kind"] for line in lines]) == (0, ["state", "decision"])
    code, (said,) = command(kept, "--event-id", "never")
    assert code == 0
    assert said.startswith("No row is about this event: it was blocked or skipped for every tag")


def test_since_a_moment(kept: Path) -> None:
    """Of the row, by its own time."""
    for since, number in (("2020-01-01", 8), ("2099-01-01T00:00:00Z", 0)):
        code, lines = command(kept, "--since", since)
        rows_of_others = [line for line in lines if '"kind":"state"' not in line]
        assert (code, len(rows_of_others)) == (0, number)
    assert command(kept, "--since", "yesterday")[0] == 2


def test_a_sound_chain_is_said_to_be_sound(kept: Path) -> None:
    code, (line,) = command(kept, "--verify")
    last = list(read_rows(kept / FOLDER))[-1]
    assert (code, line) == (0, f"✔ 10 rows, none is missing or altered. The last is 10, its hash {last.link.hash}.")


def test_an_altered_row_is_found(kept: Path) -> None:
    (path,) = files_of(kept / FOLDER)
    path.write_bytes(path.read_bytes().replace(b'"restrict"', b'"send"', 1))
    code, lines = command(kept, "--verify")
    assert code == 1
    assert lines[0].startswith(f"✖ {path.name}:")
    assert lines[-1] == "10 rows, and the chain does not hold."


def test_without_an_audit_it_says_so(tmp_path: Path) -> None:
    code, lines = command(tmp_path)
    assert (code, len(lines)) == (1, 1)
    assert "there is no audit" in lines[0]


def test_needs_are_those_of_the_tag() -> None:
    """The fixture's tag is an ads tag, as the rows above say."""
    assert TAG.needs == Needs(frozenset({"ad_storage", "ad_user_data"}), ads=True, restricted=False)
