"""The container with all destinations of this repository, and the one event that they get."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tagserver.config.configuration import ConfigurationFolder
from tagserver.plugin.registry import Registry
from tagserver.testing import NOW
from tests.fake_time import OtherWallClock
from tests.fast_yaml import safe_load

FOLDER = Path(__file__).parent
CONFIG = FOLDER / "config"
NAMES = ["meta", "analytics", "snapchat", "tiktok", "pinterest", "linkedin", "reddit", "shop", "archive"]
TOKENS = {
    "META_TOKEN": "a-meta-token",
    "GA4_SECRET": "a-ga4-secret",
    "SNAP_TOKEN": "a-snap-token",
    "TIKTOK_TOKEN": "a-tiktok-token-that-must-not-leak",
    "PINTEREST_TOKEN": "a-pinterest-token-that-must-not-leak",
    "LINKEDIN_TOKEN": "a-linkedin-token-that-must-not-leak",
    "REDDIT_TOKEN": "a-reddit-token-that-must-not-leak",
    "WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}


def configuration(archive: Path | str, data: Path | None = None) -> ConfigurationFolder:
    """The folder with its secrets, read at the moment of the examples: versions of vendors' APIs end some day.
    `archive`: where the file destination writes."""
    environ = TOKENS | {"ARCHIVE": str(archive)}
    return ConfigurationFolder(CONFIG, Registry.load(), environ, None, data, time=OtherWallClock(lambda: NOW))


def one_event() -> dict[str, Any]:
    """The question of `requests.yaml`, as `try` takes it."""
    asked: dict[str, Any] = safe_load((FOLDER / "requests.yaml").read_text())["ask"]
    return asked
