"""The admin application: all addresses under `/-/` in one table, and the guard before them (`admin/auth.py`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tagserver.config.admin import ADMIN_NAME, AdminToken
from tagserver.inbound.enrich import read_headers, visitor_ip
from tagserver.runtime.runtime import Runtime
from tagserver.server.admin.answers import SAFE
from tagserver.server.admin.auth import Guard, Guesses
from tagserver.server.admin.compressed import Packed
from tagserver.server.admin.dead_letters import DeadLetterPages
from tagserver.server.admin.explain import Explanations
from tagserver.server.admin.keyring import Keyring
from tagserver.server.admin.orders import BackupOrders, ErasureOrders, PauseOrders, PublishingOrders
from tagserver.server.admin.records import EventRecords
from tagserver.server.admin.stream import Stream
from tagserver.server.admin.streams import StreamLimits
from tagserver.server.login import Login
from tagserver.server.pages import glossary_page
from tagserver.server.pages.configuration_page import ConfigurationPage
from tagserver.server.pages.destination_actions import DestinationActions
from tagserver.server.pages.destinations import Destinations
from tagserver.server.pages.event.onward import Onward
from tagserver.server.pages.event.page import EventPage
from tagserver.server.pages.failures import HANDLERS, refusal
from tagserver.server.pages.home import Home
from tagserver.server.pages.last_hour import HourCount
from tagserver.server.pages.plugins import Plugins
from tagserver.server.pages.preview.page import PreviewPage
from tagserver.server.pages.preview.sessions import PreviewSessions
from tagserver.server.pages.shares import Shares
from tagserver.server.pages.static import module, style
from tagserver.server.pages.try_page import TryPage
from tagserver.system.secret import Secret
from tagserver.system.time import Time

Act = Callable[[Request], Awaitable[Response]]


def post(path: str, act: Act) -> Route:
    """An address that takes orders."""
    return Route(path, act, methods=["POST"])


class Admin:
    """The admin application, and who may use it."""

    def __init__(self, runtime: Runtime, token: str, time: Time) -> None:
        self._runtime = runtime
        self._made = token
        self._keys = Keyring(self._tokens)
        refused = runtime.states.refused_requests.count
        guesses = Guesses(self._visitor, time, runtime.meters.refused, lambda address: refused("admin_token", address))
        login = Login(self._keys, guesses, time, self._visitor, lambda: runtime.server.collect.trusted_proxies)
        self.login_path = login.path
        self.streams = StreamLimits()
        """Of whoever looks on live."""
        configuration = ConfigurationPage(runtime)
        trying = TryPage(runtime)
        home = Home(runtime, HourCount(runtime.records, runtime.time))
        letters = DeadLetterPages(runtime)
        destinations = Destinations(runtime)
        actions = DestinationActions(runtime.pausing, letters)
        plugins = Plugins(runtime)
        explanations = Explanations(runtime)
        events = EventRecords(runtime)
        previews = PreviewPage(runtime)
        onward = Onward(runtime)
        shares = Shares(runtime, self._visitor, time)
        publishing = PublishingOrders(runtime)
        pauses = PauseOrders(runtime.pausing)
        backups = BackupOrders(runtime)
        erasure = ErasureOrders(runtime.erasure, self._visitor, runtime.keeping.lacking, runtime.keeping.copies)
        sessions = PreviewSessions(runtime)
        pages = Starlette(
            routes=[
                # ── what people look at, each page also for programs
                Route("/", home.page),
                Route("/home.json", home.json),
                Route("/destinations", destinations.all),
                Route("/destinations.json", destinations.all_json),
                Route("/destinations/{name:path}.json", destinations.one_json),
                Route("/destinations/{name:path}", destinations.one),
                post("/destinations/{name:path}/pause", actions.pause),
                post("/destinations/{name:path}/resume", actions.resume),
                post("/destinations/{name:path}/retry", actions.retry),
                post("/destinations/{name:path}/drop", actions.drop),
                Route("/configuration", configuration.page),
                Route("/configuration.json", configuration.json),
                post("/configuration/publish", configuration.publish),
                Route("/configuration/versions/{number}.json", configuration.version_json),
                Route("/configuration/versions/{number}", configuration.version),
                post("/configuration/versions/{number}/rollback", configuration.roll_back),
                Route("/try", trying.page),
                post("/try", trying.try_event),
                post("/try/send", trying.send),
                post("/try/send.json", trying.send_json),
                Route("/plugins", plugins.page),
                Route("/plugins.json", plugins.json),
                Route("/glossary", glossary_page.for_people),
                Route("/glossary.json", glossary_page.for_machines),
                # ── what happened to events
                Route("/preview", previews.page),
                Route("/preview.json", events.listed),
                Route("/events.json", events.listed),
                post("/events/search", previews.search),
                Route("/events/{event_id:path}/test.yaml", onward.test),
                Route("/events/{event_id:path}/curl.txt", onward.curl),
                post("/events/{event_id:path}/share", shares.share),
                Route("/events/{event_id:path}.json", events.one),
                Route("/events/{event_id:path}", EventPage(runtime, onward).page),
                Route("/orders/{order:path}.json", events.order),
                Route("/stream", Stream(runtime, self.streams, self._visitor).follow),
                Route("/compare", onward.compared),
                Route("/compare.json", onward.compared_for_machines),
                # ── links for people without a login, and links by which events go another way
                Route("/shares", shares.listed),
                Route("/shares.json", shares.listed_for_machines),
                post("/shares/{id}/revoke", shares.revoke),
                Route("/s/{id}.json", shares.opened_by_machines),
                Route("/s/{id}.html", shares.as_file),
                Route("/s/{id}", shares.opened),
                Route("/preview/sessions", sessions.page),
                Route("/preview/sessions.json", sessions.listed),
                post("/preview/sessions.json", sessions.start),
                post("/preview/sessions/end.json", sessions.end),
                post("/preview/sessions/start", sessions.start_by_form),
                post("/preview/sessions/end", sessions.end_by_form),
                # ── what programs ask and order
                Route("/status.json", self.status),
                Route("/metrics", self.metrics),
                Route("/try.json", trying.json),
                post("/try.json", explanations.try_event),
                post("/consent.json", explanations.consent_string),
                Route("/versions.json", publishing.versions),
                post("/reload", publishing.reload),
                post("/rollback", publishing.roll_back),
                Route("/dead.json", letters.get),
                post("/dead.json", letters.post),
                post("/pause.json", pauses.pause),
                post("/resume.json", pauses.resume),
                post("/forget.json", erasure.erase),
                post("/backup", backups.copy),
                post("/restore", backups.decide),
                # ── the way in, and what pages are made of
                Route("/login", login.enter, methods=["GET", "POST"]),
                post("/logout", login.leave),
                Route("/style.css", style),
                Route("/static/{name}", module),
            ],
            exception_handlers=HANDLERS,
        )
        pages.router.redirect_slashes = False
        self.guard = Guard(pages, self._keys, guesses, time, refusal)
        self.app: ASGIApp = Packed(self.guard)

    def _tokens(self) -> Mapping[str, AdminToken]:
        """Those that open the addresses now."""
        admin = AdminToken(Secret(self._runtime.admin_token.today(self._made)), "operate")
        return {ADMIN_NAME: admin, **self._runtime.server.admin.tokens}

    def _visitor(self, request: Request) -> str | None:
        """Who asks, by the rules of `/collect`."""
        connection = request.client.host if request.client else None
        # Not `request.headers`: of several lines of a header it gives the first, which is the visitor's own.
        headers = read_headers(request.scope["headers"])
        return visitor_ip(connection, headers, self._runtime.server.collect.trusted_proxies)

    async def status(self, request: Request) -> Response:
        return JSONResponse(await self._runtime.status.shown(), headers=SAFE)

    async def metrics(self, request: Request) -> Response:
        text = self._runtime.meters.text(await self._runtime.status.picture())
        return PlainTextResponse(text, headers=SAFE, media_type="text/plain; version=0.0.4")
