"""On a disk that is nearly full, what is drained is given back at once: else nothing would be taken in ever again."""

from __future__ import annotations

from pathlib import Path

from tagserver.queue.values import Settlement
from tests.delivery.support import Clock, claim, deliveries, open_outbox, until

NEVER_ENOUGH = 1 << 60


async def test_a_drained_queue_gives_its_room_back_when_the_disk_is_scarce(tmp_path: Path, clock: Clock) -> None:
    """The file's free pages, few as they are, and the log, which keeps the size that it once had."""
    outbox = await open_outbox(tmp_path, clock)
    await outbox.append(deliveries(500, body=b"x" * 4000))
    await outbox.close()
    path, log = tmp_path / "outbox.db", tmp_path / "outbox.db-wal"
    full = path.stat().st_size
    outbox = await open_outbox(tmp_path, clock, min_free=NEVER_ENOUGH)
    try:
        batch = await claim(outbox, max_items=500, max_bytes=4 << 20)
        await outbox.settle(batch, Settlement(delivered=[row.id for row in batch.rows]))
        assert (path.stat().st_size, log.stat().st_size > 0) == (full, True)
        assert "kept free" in (outbox.trouble() or "")
        await outbox.forget_keys([])  # wakes the writer
        await until(lambda: path.stat().st_size < full // 5 and log.stat().st_size == 0)
    finally:
        await outbox.close()
