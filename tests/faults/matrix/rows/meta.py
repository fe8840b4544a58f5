"""Faults at Meta's own door: tokens of others, bodies that are none, events that Meta would refuse."""

from __future__ import annotations

import gzip
import json
import time
from typing import Any
from urllib.parse import quote

from tests.faults.matrix.declared import Chapter
from tests.faults.matrix.hostile import Ask, ShopGoesOn, ask_all, bomb, metrics, post
from tests.faults.matrix.rows.doors import CONSENT
from tests.faults.matrix.world import World

chapter = Chapter("Meta's door")

TOKEN = "token-of-the-backend"
DOOR = "/v26.0/1234567890/events"
OURS = f"{DOOR}?access_token={TOKEN}"
FORM = "content-type: application/x-www-form-urlencoded"


def lead(**fields: Any) -> dict[str, Any]:
    """An event that Meta would take."""
    now = int(time.time())
    person = {"external_id": "7"}
    return {"event_name": "Lead", "event_time": now, "action_source": "website", "user_data": person, **fields}


@chapter.row(
    "O12",
    "Meta's door: tokens of others, events that Meta refuses, wrong content types, gzip in disguise, bombs",
    quick=True,
    untimed=True,
)
def at_metas_door(world: World) -> None:
    """Refused as a whole, and nothing is unpacked for a stranger; the page's events go on beside them."""
    sources = {
        "shop": {"secret": "${env:META_DOOR}", "consent": CONSENT, "basis": "contract"},
        "signed": {"secret": "${env:APP_SECRET}", "app_secret": "${env:APP_SECRET}"},
    }
    shop = ShopGoesOn(
        world, {"clients": {"meta": {"access_tokens": sources}}}, META_DOOR=TOKEN, APP_SECRET="secret-of-the-app"
    )
    good = {"data": [lead()]}
    body = json.dumps(good).encode()
    bombed, packed = bomb(), "content-encoding: gzip"
    deep = b'{"data": [{"event_name": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]}"
    many = json.dumps({"data": [lead()] * 1001}).encode()
    bad = {"data": [lead(), lead(), lead(event_time=1)]}
    parts = b"--x\r\n" + b'content-disposition: form-data; name="data"\r\n\r\n[]\r\n--x' * 5000
    texts = json.dumps({"data": json.dumps([json.dumps(json.dumps(lead()))])}).encode()

    def sent(content: Any, *lines: str, at: str = OURS) -> bytes:
        return post(content, *lines, target=at)

    ask_all(
        world,
        [
            Ask("no token", sent(good, at=DOOR), (401,)),
            Ask("another's", sent(good, at=f"{DOOR}?access_token=another"), (401,)),
            Ask("a token that is too long", sent(good, at=f"{DOOR}?access_token={'x' * 4000}"), (401,)),
            Ask("a key of the queue's", sent(good, "authorization: Bearer another", at=DOOR), (401,)),
            Ask("another's in the body", sent({**good, "access_token": "another"}, at=DOOR), (401,)),
            Ask("a list as a token", sent({**good, "access_token": [TOKEN]}, at=DOOR), (401,)),
            Ask("without the proof", sent(good, at=f"{DOOR}?access_token=secret-of-the-app"), (401,)),
            Ask(
                "a wrong proof",
                sent(good, at=f"{DOOR}?access_token=secret-of-the-app&appsecret_proof={'0' * 64}"),
                (401,),
            ),
            Ask("a bomb of a stranger", sent(bombed, packed, at=DOOR), (401,)),
            Ask("a bomb with a token", sent(bombed, packed), (413,)),
            Ask("a bomb that says nothing", sent(bombed), (400,)),
            Ask("gzip in disguise", sent(gzip.compress(body), FORM), (400,)),
            Ask("no gzip, and says so", sent(body, packed), (400,)),
            Ask("JSON under the header of a form", sent(body, FORM), (200,)),
            Ask("a form under the header of JSON", sent(b"data=" + quote(json.dumps(good["data"])).encode()), (200,)),
            Ask("texts in texts in texts", sent(texts), (400,)),
            Ask("five thousand parts", sent(parts), (400,)),
            Ask("deep", sent(deep), (400,)),
            Ask("more than a thousand events", sent(many), (400, 413)),
            Ask("a body that is too large", sent(b" " * (2 << 20)), (413,)),
            Ask("one that is too old", sent(bad), (400,)),
            Ask("of nobody", sent({"data": [lead(user_data={})]}), (400,)),
            Ask("a pixel that is none", sent(good, at=f"/v26.0/me/events?access_token={TOKEN}"), (400,)),
            Ask("a version that is none", sent(good, at=f"/vx/1/events?access_token={TOKEN}"), (404,)),
            Ask("a hundred values in the query", sent(good, at=OURS + "&a=1" * 200), (400,)),
            *(
                Ask(f"{key} is {odd!r:.20}", sent({"data": [lead(**{key: odd})]}), (200, 400))
                for key in ("event_name", "event_time", "user_data", "custom_data", "event_source_url", "opt_out")
                for odd in (None, True, -1e300, 10**30, "\x00", [[[]]], {"__proto__": {"a": 1}})
            ),
        ],
    )
    counted = metrics(shop.server).get('tagserver_requests_refused_total{reason="key"}', 0)
    world.expect(counted >= 6, f"{counted:g} guesses at a token are counted")
    lines = len(shop.server.text().splitlines())
    world.expect(lines < 30, f"strangers have filled the log with {lines} lines")
    world.expect(TOKEN not in shop.server.text() and "another" not in shop.server.text(), "a token stands in the log")
    shop.to_its_end()
