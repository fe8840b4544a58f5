"""Preview sessions as tests start and use them."""

from __future__ import annotations

import base64
from typing import Any

from .conftest import ORIGIN, Running, post

HEADER = "x-tagserver-preview"
OTHER = "https://other.example"


async def started(server: Running, container: str | None = None, **order: Any) -> dict[str, Any]:
    """A session; `container`: a draft."""
    if container is not None:
        order["files"] = {"container.yaml": base64.b64encode(container.encode()).decode()}
    status, made = await post(server, "preview/sessions.json", order)
    assert status == 200, made
    session: dict[str, Any] = made["session"]
    return session


async def refused(server: Running, container: str | None = None, **order: Any) -> dict[str, Any]:
    if container is not None:
        order["files"] = {"container.yaml": base64.b64encode(container.encode()).decode()}
    status, made = await post(server, "preview/sessions.json", order)
    assert status == 409
    return made


async def sent(server: Running, session: dict[str, Any], *events: Any, **headers: str) -> dict[str, Any]:
    """What is answered to events of the session, as `t.js` posts them."""
    body = {"events": list(events), "ctx": {"ts_preview": session["grant"], "language": "de"}}
    answer = await server.http.post("/collect", json=body, headers={"origin": ORIGIN} | headers)
    assert answer.status_code == 202
    told: dict[str, Any] = answer.json()
    return told


def verdicts(told: dict[str, Any], at: int = 0) -> dict[str, tuple[str, str | None]]:
    """Tag → its decision and what became of the delivery."""
    return {one["tag"]: (one["decision"], one["delivery"]) for one in told["events"][at]["preview"]["tags"]}
