"""What goes wrong in each drill of the incidents page, and what must be so before and after each of its blocks.

A drill makes the fault and yields; the next block of its section is run, and what that has printed is sent in.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

from msgspec.json import encode

from ..faults.process import purchase
from .incident import ADMIN, CONTAINER, TEST, Incident

Drill = Generator[None, str, None]


def vendor_down(shop: Incident) -> Drill:
    """Answers 503; is back."""
    shop.up()
    shop.vendor(status=503)
    assert shop.post("a", "b") == [202, 202]
    shop.until(lambda: shop.meta()["state"] in ("retrying", "open"))
    doctor = yield
    assert "meta" in doctor
    shop.vendor(clear=True)
    yield
    shop.until(lambda: shop.meta()["delivered"] == 2)


def disk_full(shop: Incident) -> Drill:
    """Another program fills it, while the vendor is down; and ends again."""
    shop.on_a_small_disk(96)
    shop.up()
    shop.vendor(bad_ids=["refused"])
    assert shop.post("refused") == [202]
    shop.until(lambda: shop.meta()["dead"] == 1)
    shop.vendor(clear=True, status=503)
    assert shop.post("a") == [202]
    filler = shop.fill(shop.data / "somebody-elses")
    shop.until(lambda: shop.ready() == "unavailable")
    assert shop.post("b") == [503]
    seen = yield
    assert "100%" in seen
    assert filler.name in seen
    shop.vendor(clear=True)
    shop.until(lambda: shop.meta()["delivered"] == 1)
    filler.unlink()
    shop.until(lambda: shop.ready() == "ok")
    assert shop.post("b") == [202]
    shop.until(lambda: shop.meta()["delivered"] == 2)
    yield
    assert shop.meta()["dead"] == 0


def bad_configuration(shop: Incident) -> Drill:
    """First a file with an error, then a sound one whose trigger meets nothing."""
    shop.write("container.test.yaml", TEST.replace("TAG", "Meta purchase"))
    shop.up()
    shop.write("container.yaml", CONTAINER.replace("triggers: [purchase]", "triggers: [purchse]"))
    said = yield
    assert "purchse" in said
    shop.write("container.yaml", CONTAINER.replace("event: purchase", "event: order"))
    shop.reload()
    assert shop.post("a") == [202]
    assert shop.meta()["accepted"] == 0, "the tag does not fire"
    yield
    assert shop.post("b") == [202]
    shop.until(lambda: shop.meta()["delivered"] == 1)
    shop.write("container.yaml", CONTAINER)
    yield
    assert shop.post("c") == [202]
    shop.until(lambda: shop.meta()["delivered"] == 2)


def token_expired(shop: Incident) -> Drill:
    """The vendor refuses it; another one comes."""
    shop.up()
    shop.vendor(dead_tokens=["vendor-token-of-the-drills-3k"])
    assert shop.post("a", "b") == [202, 202]
    shop.until(lambda: shop.meta()["state"] == "paused")
    shop.will_edit(shop.secrets.read_text().replace("drills-3k", "drills-4m"))
    yield
    shop.until(lambda: shop.meta()["delivered"] == 2)
    assert shop.meta()["state"] == "ok"


def token_lost(shop: Incident) -> Drill:
    """Nobody knows the admin token; another one opens, the old one does not."""
    shop.up()
    assert shop.status(ADMIN)["ready"]
    yield
    assert ADMIN not in shop.secrets.read_text()
    shop.until(lambda: "destinations" in shop.status())
    assert "destinations" not in shop.status(ADMIN)
    doctor = yield
    assert "server: runs" in doctor


def clock(shop: Incident) -> Drill:
    """Three hours ahead from the start on; somebody sets it right."""
    shop.with_a_clock()
    shop.set_clock(3 * 3600)
    shop.up()
    assert shop.post("a") == [202]
    shop.until(lambda: shop.ready() == "degraded")
    assert "clock" in shop.status()["container"]["notice"]
    yield
    shop.set_clock(0)
    shop.until(lambda: shop.ready() == "ok" and shop.meta()["dead"] == 1)
    said = yield
    assert "✔ clock" in said
    assert "rejected" in said
    assert shop.post("b") == [202]
    shop.until(lambda: shop.meta()["delivered"] == 1)


def pause(shop: Incident) -> Drill:
    """Over a restart, too."""
    shop.up()
    yield
    assert shop.post("a", "b") == [202, 202]
    shop.end()
    shop.up()
    doctor = yield
    assert "2 deliveries wait" in doctor
    assert (shop.meta()["state"], shop.arrived()) == ("paused", 0)
    yield
    shop.until(lambda: shop.meta()["delivered"] == 2)
    assert shop.arrived() == 2


def leak(shop: Incident) -> Drill:
    """A tag sends a free text. What waits with it never leaves, what comes afterwards leaves without it."""
    leaking = CONTAINER.replace("triggers: [purchase]}", 'triggers: [purchase], parameters: {note: "{{ free text }}"}}')
    leaking = leaking.replace("triggers:\n", "variables: {free text: {path: remark}}\ntriggers:\n")
    shop.write("container.yaml", leaking)
    (shop.folder / "event.json").write_bytes(encode(purchase("try") | {"remark": "allergic to nuts"}))
    shop.up()
    assert shop.post("before", remark="allergic to nuts") == [202]
    shop.until(lambda: shop.arrived() == 1)
    yield
    assert shop.post("meanwhile", remark="allergic to nuts") == [202]
    tried = yield
    assert "allergic to nuts" in tried
    shop.will_edit(shop.placed(CONTAINER.replace("Meta purchase", "Meta purchase 2")))
    yield
    assert shop.post("after", remark="allergic to nuts") == [202]
    yield
    shop.until(lambda: shop.meta()["pending"] == 0)
    assert shop.meta()["dead_by_reason"] == {"tag_removed": 1}
    yield
    assert (shop.meta()["dead"], shop.meta()["erased"], shop.arrived()) == (0, 1, 2)


def three_percent_dead(shop: Incident) -> Drill:
    """The vendor refuses one of thirty events; then no more."""
    shop.up()
    shop.vendor(bad_ids=["e7"])
    assert shop.post(*(f"e{number}" for number in range(30))) == [202] * 30
    shop.until(lambda: shop.meta()["pending"] == 0)
    assert shop.meta()["dead"] == 1
    said = yield
    assert "100/2804007" in said
    assert "e7" in said
    shop.vendor(clear=True)
    yield
    shop.until(lambda: shop.meta()["delivered"] == 30)


def replay_of_a_night(shop: Incident) -> Drill:
    """Twelve events were refused, others went through between them."""
    shop.up()
    night = [f"night-{number}" for number in range(12)]
    shop.vendor(bad_ids=night)
    for event_id in night:
        assert shop.post(f"good-{event_id}", event_id) == [202, 202]
    shop.until(lambda: shop.meta()["pending"] == 0)
    assert (shop.meta()["delivered"], shop.meta()["dead"]) == (12, 12)
    shop.vendor(clear=True)
    said = yield
    assert said.count("12") >= 2
    shop.until(lambda: shop.meta()["delivered"] == 24)
    assert shop.arrived() == 24


DRILLS: dict[str, Callable[[Incident], Drill]] = {
    "Vendor down": vendor_down,
    "Disk full": disk_full,
    "Bad configuration": bad_configuration,
    "Token expired": token_expired,
    "Token lost": token_lost,
    "Clock": clock,
    "Pause": pause,
    "Leak": leak,
    "3 % dead": three_percent_dead,
    "Replay of a night": replay_of_a_night,
}
