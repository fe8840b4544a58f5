"""Cookies of consent tools, as browsers send them, and what a configuration says of them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from urllib.parse import quote

from tests.golden.generated import strings
from tests.golden.generated.drawing import Draw


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


_FACEBOOK = '"facebook_pixel":true,"google_analytics":true,"hotjar":true'
_COOKIES: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "onetrust": (
        (
            "OptanonConsent",
            (
                "isGpcEnabled=0&interactionCount=1&groups=C0001%3A1%2CC0002%3A1%2CC0003%3A1%2CC0004%3A1%2CC0005%3A1",
                "interactionCount=2&groups=C0001:1,C0002:1,C0003:0,C0004:0",
                "interactionCount=0&groups=C0001:1,C0004:0",
                "interactionCount=1&groups=2%3A1%2C4%3A1",
                "interactionCount=1&groups=C0004:1&groups=C0004:0",
                "isGpcEnabled=1&interactionCount=1&groups=C0001:1,C0004:",
            ),
        ),
        ("OptanonAlertBoxClosed", ("2026-09-17T09:12:44.101Z", "")),
    ),
    "cookiebot": (
        (
            "CookieConsent",
            (
                "{stamp:%27r3ZQ==%27%2Cnecessary:true%2Cpreferences:true%2Cstatistics:true%2Cmarketing:true%2Cmethod:%27explicit%27%2Cver:1}",
                "{stamp:'a',necessary:true,preferences:false,statistics:true,marketing:false,method:'explicit',ver:1,region:'it'}",
                "{stamp:'a',necessary:true,preferences:true,statistics:true,marketing:true,method:'implied'}",
                "0",
                "-1",
                "{necessary:true,marketing:1,method:'explicit'}",
                "{stamp:'a',marketing:tr",
                quote(quote("{stamp:'a',necessary:true,statistics:true,marketing:true,method:'explicit'}")),
                "%7B" + "x" * 9000,
            ),
        ),
    ),
    "cookieyes": (
        (
            "cookieyes-consent",
            (
                "consentid:V0,consent:yes,action:yes,necessary:yes,functional:yes,analytics:yes,performance:yes,advertisement:yes",
                "consentid:V0,consent:no,action:yes,necessary:yes,functional:no,analytics:no,advertisement:no",
                "consentid:x,consent:,action:,advertisement:",
                "consentid:x,consent:no,action:no,analytics:yes",
                "yes",
            ),
        ),
        ("cookielawinfo-checkbox-analytics", ("yes", "no", "")),
        ("viewed_cookie_policy", ("yes", "no")),
        ("cookielawinfo-checkbox-advertisement", ("yes", "no")),
    ),
    "complianz": (
        ("cmplz_functional", ("allow",)),
        ("cmplz_statistics", ("allow", "deny")),
        ("cmplz_preferences", ("allow", "deny")),
        ("cmplz_marketing", ("allow", "deny", "true")),
        ("cmplz_consent_status", ("allow", "deny")),
        ("cmplz_policy_id", ("14",)),
    ),
    "iubenda": (
        (
            "_iub_cs-59340121",
            (
                "%7B%22timestamp%22%3A%222026-09-17T15%3A40%3A00.391Z%22%2C%22purposes%22%3A%7B%221%22%3Atrue%2C%222%22%3Atrue%2C%223%22%3Atrue%2C%224%22%3Atrue%2C%225%22%3Atrue%7D%7D",
                '{"consent":true,"timestamp":"2026-09-12T16:03:31.031Z"}',
                '{"consent":false,"timestamp":"2026-09-12T16:03:31.031Z"}',
                '{"timestamp":"2026","purposes":{"1":true,"4":true,"5":false}}',
                '{"timestamp":"2026","purposes":{"5":1}}',
                '{"id":1}',
            ),
        ),
        ("_iub_cs-90483436-uspr", ('{"s":true,"sh":true,"adv":false}', '{"s":true,"sh":true,"adv":true}', '{"s":"N"}')),
    ),
    "axeptio": (
        (
            "axeptio_cookies",
            (
                "{%22$$token%22:%22k2%22%2C" + quote(_FACEBOOK) + "%2C%22$$completed%22:true}",
                '{"facebook_pixel":false,"google_analytics":true,"$$completed":true}',
                '{"facebook_pixel":true,"$$completed":false}',
                '{"facebook_pixel":"true","$$completed":true}',
                '{"facebook_pixel":true',
            ),
        ),
        ("axeptio_authorized_vendors", ("%2Cgoogle_analytics%2Cfacebook_pixel%2C", ",facebook_pixel")),
    ),
    "didomi": (
        (
            "didomi_token",
            (
                _base64('{"vendors":{"enabled":["facebook_pixel","google_analytics"]},"purposes":{"enabled":["1"]}}'),
                _base64('{"vendors":{"enabled":["google_analytics"],"disabled":["facebook_pixel"]}}'),
                quote(_base64('{"vendors":{"enabled":["facebook_pixel"]},"purposes":{"disabled":["1"]}}')),
                _base64('{"vendors":{"enabled":5}}'),
                _base64('{"purposes":{"enabled":["2"], "disabled": [5]}}'),
                _base64("no json"),
                "{no base64}",
            ),
        ),
        ("didomi_dcs", ("CNc0oAOQAAvmAYACCPFRABEAAAAA",)),
    ),
    "klaro": (
        (
            "klaro",
            (
                quote("{" + _FACEBOOK + "}"),
                '{"google_analytics":true,"facebook_pixel":false}',
                '{"facebook_pixel":"denied"}',
                '{"facebook_pixel":true,"facebook_pixel":false}',
                '{"facebook_pixel"',
            ),
        ),
    ),
    "osano": (
        (
            "osano_consentmanager",
            (
                '{"ESSENTIAL":"ACCEPT","STORAGE":"ACCEPT","MARKETING":"ACCEPT","PERSONALIZATION":"ACCEPT","ANALYTICS":"ACCEPT"}',
                '{"ESSENTIAL":"ACCEPT","ANALYTICS":"ACCEPT","MARKETING":"DENY","OPT_OUT":"ACCEPT"}',
                "IjrXNAlKp2cQ7GfYBhgHYGcC",
                '{"MARKETING":true}',
            ),
        ),
        ("cookieconsent_status", ("allow", "deny", "dismiss", "granted")),
        ("cookieconsent_status_MARKETING", ("ALLOW", "DENY", "YES", "DISMISS")),
    ),
    "tarteaucitron": (
        (
            "tarteaucitron",
            (
                "!facebook_pixel=true!google_analytics=true!youtube=true",
                "!facebook_pixel=wait!google_analytics=true",
                "%21facebook_pixel%3Dfalse%21google_analytics%3Dfalse",
                "!facebook_pixel=true!google_analytics=tr",
            ),
        ),
    ),
    "shopify": (
        (
            "_tracking_consent",
            (
                quote('{"con":{"CMP":{"a":"1","m":"1","p":"1","s":""}},"v":"2.1","region":"FRIDF","reg":"GDPR"}'),
                '{"con":{"CMP":{"a":"","m":"","p":"","s":"0"}},"v":"2.1","region":"USCA","reg":"CCPA"}',
                "3.AMPS_USCA_f_f_29CBDcE*Rl",
                '{"v":"2.1","purposes":{"a":true,"p":false,"m":true,"t":true}}',
                '{"lim":["GDPR"],"v":"2.0","con":{"GDPR":""}}',
                '{"con":{"CMP":{"m":"yes"}}}',
            ),
        ),
    ),
    "commanders_act": (
        (
            "TC_PRIVACY",
            (
                "0@064@ALL@@1790000000000@",
                "0%40007%7C2%7C2%7C224%401%2C2%2C3%40%401790000000000%2C1790000000000%40",
                "1@003@@@1790000000000@",
                "1@009@ALL@@1790000000000@",
                "0@078%7C2@1%2C5@@1790000000000@",
                "0@078@1,2",
                "0@078@all@@",
                "kaputt",
            ),
        ),
    ),
}
TOOLS = tuple(_COOKIES)
BY_VENDOR = ("axeptio", "didomi", "klaro", "tarteaucitron", "commanders_act")
"""Those that ask by names of the site's own."""
VENDORS = {
    "facebook_pixel": ["ad_storage", "ad_user_data", "ad_personalization"],
    "google_analytics": ["analytics_storage"],
    "1": ["analytics_storage"],
    "2": ["ad_storage", "ad_user_data"],
    "3": ["ad_personalization"],
}
GROUPS = {"2": ["analytics_storage"], "4": ["ad_storage", "ad_user_data", "ad_personalization"]}


def cookies(draw: Draw, tools: list[str]) -> dict[str, str]:
    """Cookies of some consent tools, and of the formats that every tool shares. Values as a browser sends them."""
    made: dict[str, str] = {}
    for tool in tools:
        for name, values in draw.some(_COOKIES[tool], len(_COOKIES[tool]), 1):
            made[name] = draw.weighted((6, values[0]), (5, draw.one(values)))
    if draw.chance(0.06):
        made["euconsent-v2"] = strings.tcf(draw)
    if draw.chance(0.06):
        made["addtl_consent"] = strings.ac(draw)
    if draw.chance(0.08):
        made["usprivacy"] = draw.made(
            strings.usp, lambda one: json.dumps({"uspString": strings.usp(one)}), lambda _: "{"
        )
    return made
