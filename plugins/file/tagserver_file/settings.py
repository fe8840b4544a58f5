"""What is set for one folder of files."""

# ruff: noqa: RUF009 (`setting` makes a dataclass field; it is no default that instances share)

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tagserver.plugin import setting
from tagserver.plugin.values import country_fault, folder_fault, path_root


def _name(value: str) -> str | None:
    return None if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", value) else "write letters, digits, - and _ alone"


def _megabytes(value: int) -> str | None:
    return None if 1 <= value <= 1024 else "write megabytes, from 1 to 1024"


def _minutes(value: int) -> str | None:
    return None if 1 <= value <= 1440 else "write minutes, from 1 to a day"


def _params(value: list[str]) -> str | None:
    for path in value:
        if not path or not all(path.split(".")):
            return "a field is a path such as page.host"
        if path_root(path) in ("user_data", "consent"):
            return f"{path} cannot be named here; user_data has a setting of its own"
    return None


@dataclass(frozen=True, kw_only=True)
class FileSettings:
    """The settings of a `file` destination."""

    path: str = setting(
        "The folder, a relative one below the server's data folder. A folder for each date is made in it.",
        identity=True,
        check=folder_fault,
    )
    format: Literal["jsonl", "parquet"] = setting(
        "jsonl: one JSON object a line. parquet: columns, which needs the extra tagserver[parquet].", default="jsonl"
    )
    name: str = setting("What the files' names begin with.", default="events", check=_name)
    max_file_mb: int = setting("Megabytes of rows after which the next file is begun.", default=64, check=_megabytes)
    minutes_per_file: int = setting("parquet: how long rows are collected for one file.", default=15, check=_minutes)
    compression: Literal["zstd", "snappy"] = setting("parquet: how the columns are compressed.", default="zstd")
    user_data: Literal["hash", "plain", "leave_out"] = setting(
        "hash: e-mail, telephone, names and street as SHA-256. plain: as it came. leave_out: none of it.",
        default="hash",
    )
    default_country: str | None = setting(
        "The country of telephone numbers that name none, two letters.", default=None, check=country_fault, per_tag=True
    )
    ip: bool = setting("Keep the visitor's IP address.", default=False)
    user_agent: bool = setting("Keep the visitor's user agent.", default=False)
    params: list[str] = setting(
        "Further paths of the event, kept in params under these names.",
        default_factory=list,
        check=_params,
        per_tag=True,
        means="paths",
    )
    strip_query: list[str] | None = setting(
        "Keys of the query that leave page addresses. Without it: those that name a person or let others in.",
        default=None,
        per_tag=True,
    )
