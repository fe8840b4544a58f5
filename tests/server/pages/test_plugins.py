"""What is installed, for people: as `tagserver plugins` and `plugins show`, with what the configuration uses of it."""

from __future__ import annotations

from dataclasses import replace

from tagserver.plugin import Destination
from tagserver.plugin.description import describe
from tagserver.plugin.registry import PluginInfo, Registry
from tests.server.conftest import BEARER, SERVER, Running, Start
from tests.server.pages.support import get, json_of


async def test_every_destination_with_its_settings(server: Running) -> None:
    """The same values as the commands print."""
    told = await json_of(server, "/-/plugins.json")
    registry = Registry.load()
    assert {one["type"] for one in told["destinations"]} == set(registry.destinations)
    (meta,) = [one for one in told["destinations"] if one["type"] == "meta_capi"]
    assert meta["used_by"] == ["meta"]
    assert meta["plugin"]["package"] == "tagserver"
    expected = describe(registry.destinations["meta_capi"])
    assert {key: meta[key] for key in expected} == {**expected, "limits": meta["limits"]}
    shown = await get(server, "/-/plugins")
    assert "pixel_id" in shown.text
    assert any(one.get("href") == "/-/destinations/meta" for one in shown.all("a"))


async def test_a_client_with_the_name_of_a_destination(start: Start) -> None:
    """Each is another plugin's; a client that pages send to needs no sender with a key."""
    server: Running = await start(server=SERVER + "clients: {ga4: {}}\n")
    told = await json_of(server, "/-/plugins.json")
    (destination,) = [one for one in told["destinations"] if one["type"] == "ga4"]
    (client,) = [one for one in told["clients"] if one["client"] == "ga4"]
    assert (destination["plugin"]["name"], client["plugin"]["name"]) == ("ga4", "ga4_client")
    shown = await get(server, "/-/plugins")
    assert "none with a key" in shown.text
    assert "GET /g/collect" in shown.text
    assert "measurement_ids" in shown.text, "what counts for all of its senders"


async def test_what_could_not_be_loaded_comes_first(start: Start) -> None:
    """With what it says, as text."""
    lost = PluginInfo("odd", "1.2", error="ImportError: no <b>module</b>", package="tagserver-odd")
    loaded = Registry.load()
    server: Running = await start(registry=replace(loaded, plugins=(*loaded.plugins, lost)))
    page = await server.http.get("/-/plugins", headers=BEARER)
    assert "ImportError: no &lt;b&gt;module&lt;/b&gt;" in page.text
    headings = [text for _, text in (await get(server, "/-/plugins")).headings]
    assert headings[:2] == ["Plugins", "What could not be loaded"]


class Failing(Destination):
    """Fails when it is asked what it is."""

    type = "odd"
    consent = None  # type: ignore[assignment]  # (a plugin may be anything)


async def test_a_plugin_that_fails_at_that_is_isolated(start: Start) -> None:
    """The others are told, and of it how it fails."""
    loaded = Registry.load()
    server: Running = await start(registry=replace(loaded, destinations={**loaded.destinations, "odd": Failing}))
    told = {one["type"]: one for one in (await json_of(server, "/-/plugins.json"))["destinations"]}
    assert told.keys() == {*loaded.destinations, "odd"}
    assert "AttributeError" in told["odd"]["error"]
    assert told["odd"]["error"] in (await get(server, "/-/plugins")).text
