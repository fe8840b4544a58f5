"""Faults at the doors beside /collect: webhooks of platforms, and files that are sent by the command."""

from __future__ import annotations

import gzip
import json
import sys
import time

from tests.faults.matrix.declared import Chapter
from tests.faults.matrix.events import HOOK_SECRET, event, signature
from tests.faults.matrix.hostile import ODD, Ask, ask_all, expect_free_loop, metrics, post
from tests.faults.matrix.judge import usage
from tests.faults.matrix.progress import Progress
from tests.faults.matrix.rows.kills import Kills, again
from tests.faults.matrix.world import World

chapter = Chapter("Doors")

HOOK = "/webhook/shop"
WEBHOOKS = {
    "shop": {"style": "hmac", "prefix": "sha256=", "secret": "${env:HOOK_SECRET}"},
    "own": {"style": "standard", "secret": "${env:OWN_SECRET}"},
}
CONSENT = {"ad_storage": "granted", "ad_user_data": "granted", "ad_personalization": "granted"}


def shop(world: World) -> None:
    """One vendor, a webhook of each kind, and a key for files."""
    world.environment |= {"HOOK_SECRET": HOOK_SECRET, "OWN_SECRET": "whsec_" + "A" * 44, "TILL_KEY": "key-of-the-till"}
    world.vendor()
    till = {"secret": "${env:TILL_KEY}", "consent": CONSENT, "basis": "contract"}
    world.configure({"collect": {"keys": {"till": till}}, "clients": {"webhooks": WEBHOOKS}})
    world.serve().up()


@chapter.row("O1", "kill -9 while a platform posts, and posts again what was not answered", quick=True, untimed=True)
def killed(world: World) -> None:
    """What was answered with 200 is delivered; at a door too there is none before the commit."""
    shop(world)
    assert world.server is not None
    kills, count = (30, 60_000) if world.long else (3, 1_500)
    producer = world.produce("load", count, seconds=1200 if world.long else 60, door=HOOK)
    making = Kills(world, world.server, producer, Progress(world.histories[-1]), count // (kills + 1))
    for _ in range(kills):
        making.make("load")
    producer.ends(1200)
    verdict = world.judge(extra=kills * world.vendors["meta"].stats()["largest"] * 8)
    world.expect(verdict.get("numbers", {}).get("ok") == count, "not every event was answered ok in the end")


@chapter.row(
    "O2", "webhooks that are forged, stale, changed by a bit, written otherwise; bombs", quick=True, untimed=True
)
def forged(world: World) -> None:
    """Refused by the bytes as they came, unopened; the platform's own go on beside them."""
    shop(world)
    assert world.server is not None
    server = world.server
    before = usage(server.pid)
    producer = world.produce("load", 300, rate=150, door=HOOK)
    body = json.dumps({**event("forged"), "event": "quiet"}).encode()
    true = f"x-signature: {signature(body)}"
    bomb = gzip.compress(b" " * (64 << 20))
    old = ("webhook-id: m1", "webhook-timestamp: 1700000000", "webhook-signature: v1,AAAA")
    packed = (f"x-signature: {signature(bomb)}", "content-encoding: gzip")

    def hook(content: bytes, *lines: str, name: str = HOOK) -> bytes:
        return post(content, *lines, target=name)

    ask_all(
        world,
        [
            Ask("no signature", hook(body), (401,)),
            Ask("a wrong one", hook(body, "x-signature: sha256=" + "0" * 64), (401,)),
            Ask("another's", hook(body, f"x-signature: {signature(b'{}')}"), (401,)),
            Ask("one bit", hook(bytes((body[0] ^ 1,)) + body[1:], true), (401,)),
            Ask("a blank more", hook(body + b" ", true), (401,)),
            Ask("written otherwise", hook(json.dumps(json.loads(body), indent=1).encode(), true), (401,)),
            Ask("twice", hook(body, true, true), (401, 400)),
            Ask("an old one", hook(b"{}", *old, name="/webhook/own"), (401,)),
            Ask("nobody's name", hook(body, true, name="/webhook/other"), (404,)),
            Ask("a bomb without a signature", hook(bomb, "content-encoding: gzip"), (401,)),
            Ask("a signed bomb", hook(bomb, *packed), (413,)),
            Ask("a body that is too large", hook(b" " * (2 << 20)), (401, 413)),
        ],
    )
    refused = metrics(server).get('tagserver_requests_refused_total{reason="signature"}', 0)
    world.expect(refused >= 7, f"{refused:g} forgeries are counted")
    lines = len(server.text().splitlines())
    world.expect(lines < 12, f"strangers have filled the log with {lines} lines")
    producer.ends(30)
    peak = usage(server.pid)["peak_mib"] - before["peak_mib"]
    world.expect(peak < 48, f"memory grew by {peak} MiB")
    if not world.untimed:
        expect_free_loop(world)
    world.judge(before=before)


@chapter.row("O3", "a platform posts a whole day again, over a kill, while the page tells the same orders")
def replayed(world: World) -> None:
    """Each order is sent once, whoever tells of it and however often."""
    shop(world)
    assert world.server is not None
    count = 50_000 if world.long else 5_000
    world.produce("day", count, seconds=600, door=HOOK).ends(600)
    world.settled(seconds=120)
    world.server.kill()
    world.fault("kills")
    again(world, world.server)
    for door in (HOOK, "/collect"):
        world.produce("day", count, seconds=600, door=door).ends(600)
        known = sum(said == "duplicate" for *_, said in world.history("day"))
        world.fault("days again")
        world.expect(known == count, f"{count - known} of {count} orders that came again were taken for new ones")
    world.judge()


@chapter.row("O6", "calls of a pixel from a hostile page: every type in every place, deep, huge", untimed=True)
def pixel_calls(world: World) -> None:
    """What is no call is refused alone, nothing of a call is consent, and the shop's events go on beside them."""
    world.vendor()
    world.configure({"clients": {"pixel": {}}})
    world.serve().up()
    assert world.server is not None
    before = usage(world.server.pid)
    producer = world.produce("load", 300, rate=150)
    call = {"call": "track", "name": "Purchase", "pixels": ["1"], "params": {}, "user_data": {}, "dpo": []}

    def sent(fbq: object, **more: object) -> bytes:
        return post({"event": "Purchase", "event_id": "hostile", "fbq": fbq, **more})

    words = {"consent": CONSENT, "gcs": "G111", "tcf": "CPX", "npa": "0", "event": "purchase", "user_data": {"em": "a"}}
    deep = b'{"event": "a", "fbq": {"call": "track", "name": "a", "params": ' + b"[" * 50_000 + b"]" * 50_000 + b"}}"
    ask_all(
        world,
        [
            *(Ask(f"fbq is {odd!r:.20}", sent(odd), (400,)) for odd in ODD),
            *(Ask(f"{key} is {odd!r:.20}", sent({**call, key: odd}), (202, 400)) for key in call for odd in ODD),
            *(
                Ask(f"{name} is {odd!r:.20}", sent({**call, "params": {name: odd, "value": 1}}), (202,))
                for name in ("contents", "content_ids", "order_id", "value", "currency")
                for odd in ODD
            ),
            Ask("words of consent as parameters", sent({**call, "params": words}), (202,)),
            Ask("a text that nests without end", sent({**call, "params": {"contents": "[" * 50_000}}), (202,)),
            Ask("contents without end", sent({**call, "params": {"contents": [{"id": 1}] * 20_000}}), (400, 413)),
            Ask("deep", post(deep), (400,)),
            Ask("two keys of the same", post(b'{"event": "a", "fbq": 1, "fbq": {}}'), (400,)),
        ],
    )
    producer.ends(30)
    peak = usage(world.server.pid)["peak_mib"] - before["peak_mib"]
    world.expect(peak < 48, f"memory grew by {peak} MiB")
    world.judge(before=before)


@chapter.row("O7", "kill -9 of the command that sends a file, and of the server, in turn", untimed=True)
def sending(world: World) -> None:
    """The command goes on where it was; each row arrives once."""
    shop(world)
    assert world.server is not None
    count = 20_000 if world.long else 4_000
    ids = [f"row-{number}" for number in range(count)]
    now = int(time.time() * 1000)
    rows = [json.dumps({**event(one), "timestamp": now}) for one in ids]
    (world.folder / "sales.jsonl").write_text("\n".join(rows) + "\n")
    words = ("send", "sales.jsonl", "--source", "till", "--yes", "--patience", "30s")
    vendor, kills = world.vendors["meta"], 0
    for turn in range(5):
        command = world.start(f"send-{turn}", sys.executable, "-m", "tagserver", *words)
        had = vendor.stats()["unique"]
        world.until(lambda had=had: vendor.stats()["unique"] > had, 20)
        if turn % 2:
            world.server.kill()
            again(world, world.server)
            world.fault("kills of the server")
            kills += 1
        elif command.process.poll() is None:
            world.fault("kills of the command")
        command.kill()
    done = world.command(*words, timeout=300)
    world.expect(done.returncode == 0, f"it ends with {done.returncode}: {done.stderr[-300:]}")
    history = world.folder / "history-rows.jsonl"
    history.write_text("".join(json.dumps([one, "ok", 202, 0, 0, "accepted"]) + "\n" for one in ids))
    world.histories.append(history)
    world.judge(extra=kills * vendor.stats()["largest"] * 8)
