"""Attacks on the pages and addresses under `/-/`."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from tests.faults.matrix.declared import Chapter
from tests.faults.matrix.events import email, event
from tests.faults.matrix.hostile import Onlooker, expect_free_loop, metrics
from tests.faults.matrix.judge import usage
from tests.faults.matrix.web import Answer, call
from tests.faults.matrix.world import ADMIN, Server, World, everything_to, meta

chapter = Chapter("Admin")

ADDRESSES = (
    *(("GET", "/-/"), ("GET", "/-/status.json"), ("GET", "/-/metrics"), ("GET", "/-/dead.json")),
    *(("POST", "/-/dead.json"), ("POST", "/-/try.json"), ("POST", "/-/reload"), ("POST", "/-/rollback")),
    *(("GET", "/-/versions.json"), ("HEAD", "/-/status.json"), ("GET", "/-/nothing"), ("DELETE", "/-/dead.json")),
)
FORM = {"content-type": "application/x-www-form-urlencoded"}
OUR_SCRIPT = re.compile(rb'<script type="module" src="/-/static/[a-z]+\.js"></script>')
EVIL = '<script>alert("x")</script><img src=x onerror=alert(1)>'


@chapter.row("A1", "no token, wrong tokens, guessing", quick=True, untimed=True)
def guessing(world: World) -> None:
    """401 without a token; who guesses must wait, and cannot tell the right one; the log says so without any token."""
    world.vendor()
    world.configure()
    server = world.serve().up()
    producer = world.produce("load", 200, rate=150)
    for method, path in ADDRESSES:
        for headers in ({}, {"authorization": ""}, {"authorization": f"Basic {ADMIN}"}, {"x-token": ADMIN}):
            status = call(method, server.address + path, None, headers).status
            world.expect(status == 401, f"{method} {path} with {list(headers)}: answered {status}")
    url, guesser = f"{server.address}/-/status.json", "127.0.0.2"
    found = [
        call("GET", url, None, {"authorization": f"Bearer {ADMIN[:-3]}{number:03}"}, source=guesser)
        for number in range(60)
    ]
    world.fault("guesses", len(found))
    statuses = [answer.status for answer in found]
    world.expect(set(statuses) == {401, 429}, f"guesses are answered {sorted(set(statuses))}")
    world.expect(statuses.count(401) <= 12, f"{statuses.count(401)} of 60 guesses were looked at")
    world.expect(all(int(one.headers.get("retry-after", 0)) for one in found if one.status == 429), "no Retry-After")
    right = {"authorization": f"Bearer {ADMIN}"}
    world.expect(call("GET", url, None, right, source=guesser).status == 429, "the right token can be told")
    login = call("POST", f"{server.address}/-/login", urlencode({"token": ADMIN}).encode(), FORM, source=guesser)
    world.expect(login.status == 429, "the login form is another way to guess")
    world.expect(call("GET", url, None, right).status == 200, "an operator at another address is locked out")
    lines = server.text().count("a wrong admin token")
    world.expect(0 < lines <= 25, f"the log has {lines} lines about it")
    refused = metrics(server)['tagserver_requests_refused_total{reason="admin_later"}']
    world.expect(refused >= 35, f"the metrics count {refused:g} of those that had to wait")
    producer.ends(30)
    world.judge(secrets=[ADMIN, ADMIN[:-3], "127.0.0.2"])


def login(server: Server, host: str = "") -> dict[str, str]:
    """The headers of a browser that has logged in: its cookie alone."""
    named = {"host": host} if host else {}
    answer = call("POST", f"{server.address}/-/login", urlencode({"token": ADMIN}).encode(), FORM | named)
    return {"cookie": answer.headers["set-cookie"].partition(";")[0]}


def form_token(server: Server, cookie: Mapping[str, str]) -> dict[str, str]:
    """What a page of ours holds, as its modules send it."""
    page = call("GET", f"{server.address}/-/", None, cookie).body.decode()
    return {"x-form-token": page.partition('name="form_token" value="')[2].partition('"')[0]}


@chapter.row("A2", "other sites that post, frame, or point their name to this server", quick=True, untimed=True)
def other_sites(world: World) -> None:
    """A cookie alone changes nothing, nor with a made-up form token; and it is of use under one Host alone."""
    vendor = world.vendor()
    world.configure()
    server = world.serve().up()
    vendor.order(bad_ids=["bad-1"])
    world.send("bad", [event("bad-1")])
    producer = world.produce("load", 200, rate=150)
    world.until(lambda: server.letters(), 20, "the refused event is no dead letter")
    cookie = login(server)
    ours = {"origin": server.address} | form_token(server, cookie)
    world.expect(len(ours["x-form-token"]) == 64, "our own page holds no form token")
    drop = {"action": "drop", "all": True}
    as_form = urlencode(drop).encode()
    theirs: list[Mapping[str, str]] = [
        {},
        *({"origin": text} for text in ("https://evil.example", "null", "", server.address + ".evil.example")),
        *({"origin": text} for text in (server.address.replace("127.0.0.1", "localhost"), "http://127.0.0.1")),
        {"referer": f"{server.address}/-/"},
        {"origin": server.address},
        *({"origin": server.address, "x-form-token": text} for text in ("", "0" * 64, ADMIN)),
        ours | {"origin": "https://evil.example"},
        FORM | {"origin": "https://evil.example"},
        {"content-type": "text/plain", "origin": "https://evil.example"},
    ]
    for headers in theirs:
        for path, body in (("dead.json", drop), ("dead.json", as_form), ("reload", None), ("rollback", {"number": 1})):
            status = call("POST", f"{server.address}/-/{path}", body, cookie | headers).status
            world.expect(status == 403, f"POST {path} from {headers}: answered {status}")
            world.fault("requests of other sites")
    for path in ("dead.json?action=drop&all=true", "reload", "rollback?number=1", "login?token=" + ADMIN):
        call("GET", f"{server.address}/-/{path}", None, cookie)
        world.fault("GETs that would change something")
    world.expect(len(server.letters()) == 1, "another site has dropped a dead letter")
    embedded = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "script"}
    status = call("GET", f"{server.address}/-/status.json", None, cookie | embedded).status
    world.expect(status == 403, f"another site can embed status.json: {status}")
    for host in ("evil.example", f"evil.example:{server.address.rpartition(':')[2]}", "localhost", "[::1]"):
        stolen = call("GET", f"{server.address}/-/status.json", None, cookie | {"host": host})
        world.expect(stolen.status == 401, f"the login is good at {host}: {stolen.status}")
        world.fault("foreign Hosts")
    for path in ("/-/", "/-/login", "/-/status.json", "/-/style.css"):
        _expect_safe(world, path, call("GET", server.address + path, None, cookie))
    flags = call("POST", f"{server.address}/-/login", urlencode({"token": ADMIN}).encode(), FORM).headers["set-cookie"]
    wanted = ("httponly", "samesite=strict", "path=/-/")
    world.expect(all(flag in flags.lower() for flag in wanted), f"the cookie's flags are {flags.partition(';')[2]}")
    done = call("POST", f"{server.address}/-/dead.json", drop, cookie | ours)
    world.expect((done.status, done.json()["count"]) == (200, 1), "our own page cannot drop a letter any more")
    producer.ends(30)
    world.judge(lost=1, reasons=["rejected"])


def _expect_safe(world: World, path: str, answer: Answer) -> None:
    policy = answer.headers.get("content-security-policy", "")
    strict = "default-src 'none'" in policy or "default-src 'self'" in policy
    world.expect(strict and "frame-ancestors 'none'" in policy, f"{path} may be framed: {policy!r}")
    world.expect("unsafe" not in policy and "*" not in policy, f"{path} may run what it says: {policy!r}")
    world.expect(answer.headers.get("x-content-type-options") == "nosniff", f"{path} may be sniffed")


@chapter.row(
    "A3", "markup in names of events, e-mails, names of destinations, and what vendors say", quick=True, untimed=True
)
def markup(world: World) -> None:
    """It is shown as text, or not at all; and no page could run it."""
    vendor, refusing = world.vendor(), world.vendor("refusing")
    world.configure(container=everything_to({"meta": meta(vendor.address), EVIL: meta(refusing.address)}))
    server = world.serve().up()
    said = {"error": {"message": EVIL, "type": EVIL, "code": 190, "error_user_msg": EVIL, "fbtrace_id": EVIL}}
    refusing.order(do="body", status=401, body=json.dumps(said))
    vendor.order(bad_ids=["bad-1"])
    evil = event("bad-1") | {"event": EVIL, "client_id": EVIL, "page": {"location": EVIL, "title": EVIL}}
    evil["user_data"] = {"email": f"{EVIL}@x.example", "external_id": EVIL}
    call("POST", f"{server.address}/collect", evil, {"origin": "https://shop.example"})
    call("POST", f"{server.address}/collect", evil | {"event_id": EVIL}, {"origin": "https://shop.example"})
    producer = world.produce("load", 200, rate=150)
    world.until(lambda: server.status(EVIL)["state"] == "paused", 20, "the refusing vendor is not paused")
    world.fault("what a vendor said", refusing.stats()["faults"])
    world.write("broken.yaml", json.dumps({"tags": [{"name": EVIL, EVIL: EVIL}], EVIL: 1}))
    server.post("/-/reload")
    world.until(lambda: server.get("/readyz").json()["problems"], 10, "the broken file is not seen")
    cookie = login(server)
    shown = 0
    for path in (
        *("/-/", "/-/status.json", "/-/dead.json", "/-/metrics", "/-/versions.json", "/readyz"),
        *("/-/preview", f"/-/preview?{urlencode({'show': 'bad-1', 'name': EVIL, 'tag': EVIL, 'q': EVIL})}"),
        *(
            "/-/events.json",
            "/-/events/bad-1.json",
            "/-/events/bad-1",
            "/-/events/record:1",
            f"/-/events/{quote(EVIL)}",
        ),
        *("/-/login", f"/-/login?{urlencode({'code': EVIL})}", f"/-/{urlencode({'a': EVIL})}", "/<script>"),
    ):
        answer = call("GET", server.address + path, None, cookie | {"accept": "text/html"})
        kind = answer.headers.get("content-type", "")
        shown += b"alert" in answer.body
        if "html" in kind:
            left = OUR_SCRIPT.sub(b"", answer.body)
            harmless = b"<script" not in left and b"<img" not in left
            world.expect(harmless, f"{path} holds markup of a stranger")
        else:
            world.expect(kind.startswith(("application/json", "text/plain")), f"{path} is of type {kind!r}")
        if path.startswith("/-/") and answer.status == 200:
            _expect_safe(world, path, answer)
    world.expect(shown >= 7, "nothing of it was shown at all: this run says nothing")
    world.write("broken.yaml", "{}")
    server.post("/-/reload")
    producer.ends(30)
    # What this row has sent by hand is nobody's to judge but for its account.
    history = world.folder / "history-evil.jsonl"
    history.write_text("".join(json.dumps([one, "unknown", 0, 0, 0, ""]) + "\n" for one in ("bad-1", EVIL)))
    world.histories.append(history)
    world.judge(vendors={}, pending=True)


@chapter.row("A4", "a great many dead letters sent again at once")
def replay(world: World) -> None:
    """In slices: events are taken in beside it, and each letter arrives once."""
    vendor = world.vendor()
    without = {"access_token": "${env:NOT_THERE_YET}"}
    world.configure()
    sound = world.container()
    paused = sound | {"destinations": {"meta": sound["destinations"]["meta"] | without}}
    world.write("container.yaml", paused)
    server = world.serve().up()
    many = 1_000_000 if world.long else 20_000
    for start in range(0, many, 1000):
        world.send(f"old-{start}", [event(f"old-{number}") for number in range(start, start + 1000)])
    world.expect(server.status()["pending"] == many, f"{server.status()['pending']} of {many} wait")
    world.write("container.yaml", sound | {"tags": []})
    server.post("/-/reload")
    world.until(lambda: server.status()["dead"] == many, 600, "not all have become dead letters")
    world.fault("dead letters", server.status()["dead"])
    world.write("container.yaml", sound)
    server.post("/-/reload")
    world.expect(vendor.stats()["arrivals"] == 0, "something was sent before it should")
    before = usage(server.pid)
    producer = world.produce("load", 2_000, rate=200, seconds=120)
    world.until(lambda: world.history("load"), 10)
    began = time.monotonic()
    with Onlooker(server.address) as onlooker:
        answer = server.post("/-/dead.json", {"action": "retry", "all": True}, timeout=600)
        world.numbers["retry s"] = round(time.monotonic() - began, 1)
        world.expect(answer.json()["count"] == many, f"answered {answer.body[:100]!r}")
        producer.ends(120)
        world.settled(seconds=600)
    world.numbers["onlooker's p99 ms"] = round(onlooker.quantile(0.99) * 1000)
    took = sorted(line[4] for line in world.history("load") if line[1] == "ok")
    world.numbers["intake p95 ms"] = round(took[int(len(took) * 0.95)] * 1000)
    world.expect(took[int(len(took) * 0.95)] < 1.0, "events had to wait for more than a second")
    expect_free_loop(world)
    world.judge(extra=0, before=before, drain=120)


@chapter.row("A5", "erase with 10,000 matches, then an event of that person", quick=True)
def forget(world: World) -> None:
    """All of them are erased and counted, nothing is left in the files, others go on, and the event is not sent."""
    vendor = world.vendor()
    world.configure()
    sound = world.container()
    paused = {"meta": sound["destinations"]["meta"] | {"access_token": "${env:NOT_THERE_YET}"}}
    world.write("container.yaml", sound | {"destinations": paused})
    server = world.serve().up()
    many, dead = 10_000, 2_000
    known = {"user_id": "person-who-goes", "page": {"location": "https://shop.example/mark-of-who-goes"}}
    for start in range(0, many, 1000):
        world.send(f"gone-{start}", [event(f"gone-{number}") | known for number in range(start, start + 1000)])
        if start + 1000 == dead:
            world.write("container.yaml", sound | {"tags": []})
            server.post("/-/reload")
            world.until(lambda: server.status()["dead"] == dead, 60, "there are no dead letters")
            world.write("container.yaml", sound | {"destinations": paused})
            server.post("/-/reload")
    counts = server.status()
    world.expect((counts["pending"], counts["dead"]) == (many - dead, dead), f"before: {counts}")
    before = usage(server.pid)
    producer = world.produce("load", 1_000, rate=200, seconds=60)
    world.until(lambda: world.history("load"), 10)
    began = time.monotonic()
    with Onlooker(server.address) as onlooker:
        done = world.command("forget", "--user-id", known["user_id"], "--json", timeout=120)
    world.numbers["forget s"] = round(time.monotonic() - began, 1)
    world.numbers["onlooker's p99 ms"] = round(onlooker.quantile(0.99) * 1000)
    world.expect(done.returncode == 0, f"tagserver forget ended with {done.returncode}: {done.stderr[-200:]}")
    shown = json.loads(done.stdout)["destinations"]["meta"]
    world.expect(shown == {"queue": many - dead, "dead": dead, "left": 0}, f"it says {shown}")
    world.expect(server.status()["erased"] == many, f"{server.status()['erased']} count as erased")
    world.fault("erased", server.status()["erased"])
    producer.ends(60)
    world.send("back", [event("came-back") | known])
    for path in (world.folder / "data").rglob("*"):
        for mark in ("mark-of-who-goes", known["user_id"], email("gone-7"), '"gone-7"', '"came-back"'):
            found = path.is_file() and mark.encode() in path.read_bytes()
            world.expect(not found, f"{mark} can still be found in {path.name}")
    world.write("container.yaml", sound)
    server.post("/-/reload")
    world.settled(seconds=60)
    world.expect(
        not [one for one in vendor.ids() if one.startswith(("gone-", "came-back"))], "some were sent all the same"
    )
    expect_free_loop(world)
    world.judge(lost=many + 1, before=before, drain=60)
