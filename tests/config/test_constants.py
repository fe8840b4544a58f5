"""Constants of the configuration that a destination would leave out of every event."""

from __future__ import annotations

from typing import Any

import pytest

from tagserver.plugin.plain import CURRENCIES
from tagserver.plugin.registry import Registry

from .world import codes, load

REGISTRY = Registry.load()
SETTINGS = {
    "meta_capi": "pixel_id: '1', access_token: '${env:TOKEN}'",
    "ga4": "measurement_id: G-ABC123DEF4, api_secret: '${env:TOKEN}'",
    "snapchat": "pixel_id: p, access_token: '${env:TOKEN}'",
    "tiktok": "pixel_code: C1, access_token: '${env:TOKEN}'",
    "pinterest": "ad_account_id: '549755885175', access_token: '${env:TOKEN}'",
    "linkedin": "access_token: '${env:TOKEN}', conversions: {purchase: 104012}",
    "reddit": "pixel_id: a2_abc123, access_token: '${env:TOKEN}'",
    "file": "path: /var/lib/events",
    "webhook": "url: https://hooks.example.com/, secret: '${env:TOKEN}'",
}
GROUPS = {
    "meta_capi": "custom_data",
    "ga4": "params",
    "snapchat": "custom_data",
    "tiktok": "properties",
    "pinterest": "custom_data",
    "reddit": "metadata",
}


def written(kind: str, parameters: str, more: str = "") -> Any:
    """A tag of a destination with these parameters."""
    text = f"destinations: {{d: {{type: {kind}, {SETTINGS[kind]}}}}}\n{more}"
    text += f"tags: [{{name: T, destination: d, triggers: [all], parameters: {parameters}}}]\n"
    environ = {"TOKEN": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
    return load({"container.yaml": text}, environ, REGISTRY, None)


@pytest.mark.parametrize("kind", [one for one in SETTINGS if one != "webhook"])
def test_a_constant_that_is_no_currency(kind: str) -> None:
    """Is named where it stands; a currency, what an event brings, and another field of that name are none."""
    loaded = written(kind, "{currency: RMB}")
    (problem,) = loaded.problems
    assert (problem.code, problem.path) == ("E115", "tags[0].parameters.currency")
    assert problem.message == 'tags[0].parameters.currency: "RMB" is no currency of ISO 4217'
    for sound in ("{currency: eur}", '{currency: "{{ shop.currency }}"}', "{note: {currency: RMB}}", '{currency: ""}'):
        assert codes(written(kind, sound)) == []


@pytest.mark.parametrize("kind", GROUPS)
def test_a_constant_in_a_group(kind: str) -> None:
    assert codes(written(kind, f"{{{GROUPS[kind]}: {{currency: NTD}}}}")) == ["E115"]


def test_a_constant_in_a_list() -> None:
    assert codes(written("ga4", "{items: [{item_id: A, currency: lei}, {item_id: B, currency: EUR}]}")) == ["E115"]


def test_a_message_of_ones_own_says_what_it_likes() -> None:
    assert codes(written("webhook", "{currency: points}")) == []


@pytest.mark.parametrize(
    ("kind", "wrong", "sound"),
    [
        ("meta_capi", "{data_processing_options: [LUD]}", "{data_processing_options: [LDU, null]}"),
        ("meta_capi", "{data_processing_options: none}", "{data_processing_options: ldu}"),
        ("meta_capi", "{data_processing_options_state: 999}", '{data_processing_options_state: "1000"}'),
        ("meta_capi", "{opt_out: maybe}", '{opt_out: "yes"}'),
        ("snapchat", "{data_processing_options: CCPA}", "{data_processing_options: []}"),
        ("snapchat", "{data_processing_options_country: US}", "{data_processing_options_country: 1}"),
        ("tiktok", "{limited_data_use: LDU}", "{limited_data_use: 0}"),
        ("pinterest", "{opt_out: LDP}", "{opt_out: false}"),
        ("pinterest", "{custom_data: {opt_out_type: LDU}}", '{opt_out_type: "X, LDP"}'),
        ("reddit", "{user: {data_processing_options: {modes: [LMU]}}}", "{user: {data_processing_options: LDU}}"),
        ("ga4", "{non_personalized_ads: maybe}", "{non_personalized_ads: true}"),
        ("ga4", "{consent: {ad_user_data: maybe}}", "{consent: {ad_user_data: denied}}"),
    ],
)
def test_a_wish_to_limit_that_cannot_be_read(kind: str, wrong: str, sound: str) -> None:
    """It would limit every event; whoever wrote it meant something."""
    assert codes(written(kind, wrong)) == ["E115"]
    assert codes(written(kind, sound)) == []


def test_a_variable_that_is_a_constant() -> None:
    """One that a format changes is none."""
    used = '{currency: "{{ ours }}"}'
    assert codes(written("meta_capi", used, "variables: {ours: {constant: RMB}}\n")) == ["E115"]
    assert codes(written("meta_capi", used, "variables: {ours: {constant: CHF}}\n")) == []
    assert codes(written("meta_capi", used, "variables: {ours: {constant: x, format: {case: upper}}}\n")) == []


def test_a_template_that_holds_no_braces() -> None:
    """Is a constant, too."""
    used = '{currency: "{{ ours }}"}'
    assert codes(written("meta_capi", used, "variables: {ours: {template: euro}}\n")) == ["E115"]
    assert codes(written("meta_capi", used, "variables: {ours: {template: EUR}}\n")) == []


@pytest.mark.parametrize("symbol", ["euro", "€", "EURO", "us dollar", "US$", "Fr."])
def test_what_people_call_a_currency(symbol: str) -> None:
    """Is named, so that one need not look for it."""
    (problem,) = written("meta_capi", f"{{value: 5, currency: '{symbol}'}}").problems
    assert f'"{symbol}" is no currency of ISO 4217' in problem.message


@pytest.mark.parametrize(
    ("kind", "parameters", "hint"),
    [
        ("meta_capi", "{app_data: {consider_views: yes}}", '"yes" is a text: write true, without quotes'),
        ("meta_capi", "{app_data: {advertiser_tracking_enabled: off}}", '"off" is a text: write false, without quotes'),
        ("snapchat", "{app_data: {application_tracking_enabled: on}}", '"on" is a text: write true, without quotes'),
        ("pinterest", "{wifi: no}", '"no" is a text: write false, without quotes'),
        ("pinterest", "{wifi: sometimes}", ""),
    ],
)
def test_yes_where_true_is_meant(kind: str, parameters: str, hint: str) -> None:
    """The vendors take true and false."""
    (problem,) = written(kind, parameters).problems
    assert (problem.code, problem.hint) == ("E115", hint)


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("meta_capi", "{app_data: {consider_views: true, include_video_data: 0}}"),
        ("meta_capi", '{app_data: {consider_views: "{{ views }}"}}'),
        ("snapchat", "{app_data: {application_tracking_enabled: 1}}"),
        ("pinterest", "{wifi: false}"),
    ],
)
def test_what_is_true_or_false(kind: str, parameters: str) -> None:
    assert codes(written(kind, parameters)) == []


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("currency", "NTD", ["E115"]),
        ("ecommerce.currency", "NTD", ["E115"]),
        ("ecommerce.currency", "TWD", []),
        ("shop.currency", "points", []),
    ],
)
def test_a_transformation_that_sets_the_currency(key: str, value: str, found: list[str]) -> None:
    loaded = written("meta_capi", "{}", f"transformations: {{t: {{set: {{{key}: {value}}}}}}}\n")
    assert codes(loaded) == found


def test_the_list_is_that_of_iso_4217() -> None:
    """Two of its codes name no currency; codes that were withdrawn are not in it."""
    assert {"EUR", "USD", "CHF", "XCG", "ZWG", "SLE", "XDR"} <= CURRENCIES
    assert not {"XXX", "XTS", "HRK", "DEM", "RMB", "NTD", "LEI", "EURO", ""} & CURRENCIES
    assert len(CURRENCIES) == 176
