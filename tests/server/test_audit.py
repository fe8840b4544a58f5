"""The audit of a whole server: what came in, was blocked, taken back, forgotten."""

from __future__ import annotations

import hashlib
from typing import Any

from tagserver.audit.chain import Check
from tagserver.audit.files import FOLDER, read_rows
from tagserver.doctor.doctor import check_audit
from tests.delivery.support import until

from .conftest import ENVIRON, TOKEN, Running, Start, purchase

BEARER = {"authorization": f"Bearer {TOKEN}"}
DENIED = {"ad_storage": "denied", "ad_user_data": "denied"}
PAUSED = {name: value for name, value in ENVIRON.items() if name != "META_TOKEN"}


def rows(server: Running) -> list[dict[str, Any]]:
    return [dict(row.record or {}) for row in read_rows(server.data / FOLDER)]


async def test_a_life_on_record(start: Start) -> None:
    """Each step has its row; the chain holds; nobody is named; a forgotten person's rows stay."""
    server: Running = await start(environ=PAUSED)
    who = {"user_data": {"email": "erika@example.com"}, "client_id": "c-erika"}
    await server.collect([purchase("id-of-erika", **who), purchase("other", **who)])
    await server.collect(purchase("blocked", **(who | {"consent": DENIED})))
    await until(lambda: server.runtime.outbox.counts()["meta"].erased == 2)
    await server.collect(purchase("again", **who))
    await server.http.post("/-/forget.json", json={"client_id": "c-erika"}, headers=BEARER)
    wanted = ["decision", "decision", "withdrawal", "count", "erased", "decision", "forgotten"]
    await until(lambda: sum(row["kind"] in wanted for row in rows(server)) == len(wanted))
    found = [row for row in rows(server) if row["kind"] in wanted]
    assert sorted(row["kind"] for row in found) == sorted(wanted)
    by_kind = {row["kind"]: row for row in found}
    assert (by_kind["withdrawal"]["by"], by_kind["withdrawal"]["purposes"]) == ("browser", sorted(DENIED))
    assert by_kind["erased"]["queue"] == {"meta": 2}
    assert (by_kind["count"]["decision"], by_kind["count"]["reason"], by_kind["count"]["count"]) == (
        "block",
        "consent",
        1,
    )
    assert by_kind["forgotten"]["destinations"]["meta"]["queue"] == 1
    check = Check()
    assert list(check.follow(read_rows(server.data / FOLDER))) == []
    stored = b"".join(path.read_bytes() for path in (server.data / FOLDER).iterdir())
    for text in ("erika@example.com", "c-erika", hashlib.sha256(b"erika@example.com").hexdigest(), "id-of-erika"):
        assert text.encode() not in stored


async def test_what_is_stopped_before_an_attempt_is_on_record(start: Start) -> None:
    """The gate is asked again: a withdrawal may come between the queue and the vendor."""
    server: Running = await start(environ=PAUSED)
    await server.collect(purchase("queued", client_id="c-erika"))
    batch = await server.runtime.outbox.claim("meta", max_items=1, max_bytes=1 << 20)
    assert batch is not None
    denial = {"event": "consent", "client_id": "c-erika", "consent": {"ad_storage": "denied"}}
    await server.http.post("/collect", json=denial, headers={"authorization": "Bearer backend-key"})
    refused = server.runtime.refusals(batch.rows[:1])
    assert refused == {batch.rows[0].id: ("consent", "the person has withdrawn ad_storage")}
    await until(lambda: any(one["kind"] == "stopped" for one in rows(server)))


async def test_a_request_that_is_turned_away_was_decided_for_nothing(server: Running) -> None:
    """What got 503 was not sent, and its sender comes again: it is on record when it was stored, and is not lost."""
    space = server.runtime.outbox._space  # type: ignore[attr-defined]  # so much need not be written for it
    space.used = server.runtime.outbox.room().limit
    # An order would be asked for what its visitor has said before, which measures the file anew.
    assert (await server.collect(purchase("later", ecommerce={"value": 59.9, "currency": "EUR"}))).status_code == 503
    space.used = 0
    server.runtime.states.look_around()
    for _ in range(2):
        assert (await server.collect(purchase("later"))).status_code == 202
    await until(lambda: sum(row["kind"] == "decision" for row in rows(server)) >= 2)
    assert sum(row["kind"] == "decision" for row in rows(server)) == 2
    assert server.runtime.audit.lost == 0


async def test_it_is_in_status_metrics_and_doctor(server: Running) -> None:
    await server.collect(purchase())
    await until(lambda: server.runtime.audit.rows >= 3)
    shown = (await server.status())["audit"]
    assert shown["lost"] == 0
    assert shown["rows"] >= 3
    metrics = (await server.http.get("/-/metrics", headers=BEARER)).text
    assert f"tagserver_audit_rows_total {shown['rows']}" in metrics
    (finding,) = check_audit(server.data, 1 << 30, 86400.0)
    assert (finding.level, finding.message.partition(",")[0]) == ("ok", f"{shown['rows']} rows so far")


async def test_doctor_sees_a_row_that_was_altered(start: Start) -> None:
    server: Running = await start()
    await server.collect(purchase())
    await until(lambda: server.runtime.audit.rows >= 3)
    (path,) = (server.data / FOLDER).iterdir()
    path.write_bytes(path.read_bytes().replace(b'"kind":"start"', b'"kind":"stort"'))
    (finding,) = check_audit(server.data, 1 << 30, 86400.0)
    assert (finding.level, finding.matter) == ("error", "audit")
