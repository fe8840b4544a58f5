"""Drafts: files of marketing's that do not serve, compiled under operations' settings; and what of them may be sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from tagserver.config.compile import Loaded
from tagserver.config.configuration import ConfigurationFolder
from tagserver.config.model import Container, Tag
from tagserver.config.privacy_lock import compare, hosts_of, lock_of
from tagserver.config.version import SERVER_FILE
from tagserver.config.yaml.folder import is_configuration
from tagserver.config.yaml.problems import WIDENED, Place, Problem

MOST_BYTES = 8 << 20
"""Of all files of a draft together."""
MOST_FILES = 1000
_LOCK = ", which the privacy lock"
_HINT = "publish it first, or look at it with --send dry"


def marketing(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Of what was posted, the files that are marketing's."""
    return {name: text for name, text in files.items() if name != SERVER_FILE and is_configuration(PurePosixPath(name))}


def compile_draft(folder: ConfigurationFolder, files: Mapping[str, bytes], server: bytes) -> Loaded:
    """Marketing's files under the `server.yaml` that serves: a container, or None with their problems. Secrets are
    those that marketing may name, as ever. Blocks. Raises OSError and ValueError for an env file that cannot be
    read."""
    return folder.compile_texts({**files, **({SERVER_FILE: server} if server else {})})


def widened(draft: Container, serving: Container) -> list[Problem]:
    """Where a draft could let more leave than what serves does: a personal field to a host, a host that nothing is sent
    to, a purpose or a vendor's consent that is not asked for, and signals of consent or addresses that are read by
    other rules. Such a draft is not sent to any vendor."""
    found = [one for one in compare(draft, lock_of(serving)) if one.code == WIDENED]
    known = {host for one in serving.destinations.values() if one.settings is not None for host in hosts_of(one)}
    found += [_of_host(tag, host) for tag, host in _hosts(draft) if host not in known]
    found += _of_vendors(draft, serving)
    wider = [
        replace(one, message=f"{one.message.partition(_LOCK)[0]}, and what serves does not", hint=_HINT)
        for one in found
    ]
    return [*wider, *_of_policies(draft, serving)]


def _of_vendors(draft: Container, serving: Container) -> Iterator[Problem]:
    """Tags that do not ask whether the vendor is accepted (TCF) as what serves does. A tag that what serves does not
    have is not sent (`unlike`)."""
    for tag in draft.tags:
        same = serving.tag(tag.name)
        if same is not None and same.needs.vendor not in (None, tag.needs.vendor):
            said = f'"{tag.name}" does not ask for the same consent of the vendor'
            yield Problem("error", WIDENED, tag.place, f"tags.{tag.name}", said)


def _of_policies(draft: Container, serving: Container) -> Iterator[Problem]:
    """Rules that count for every event. Which of two are stricter depends on the visitor, so they must be the same."""
    blocks: tuple[tuple[str, object, object], ...] = (
        ("consent", draft.consent, serving.consent),
        ("privacy", draft.privacy, serving.privacy),
    )
    for name, mine, theirs in blocks:
        if mine != theirs:
            said = f"the draft's `{name}:` is another one than that of what serves"
            yield Problem("error", WIDENED, Place("container.yaml", 1, 1), name, said, _HINT)


def _hosts(draft: Container) -> Iterator[tuple[Tag, str]]:
    for tag in draft.tags:
        if not tag.paused and tag.destination.settings is not None:
            yield from ((tag, host) for host in hosts_of(tag.destination))


def _of_host(tag: Tag, host: str) -> Problem:
    return Problem("error", WIDENED, tag.place, f"tags.{tag.name}", f'"{tag.name}" sends to {host}')


def unlike(tag: Tag, serving: Container) -> str | None:
    """Why a delivery of a draft's tag could not be sent by what serves, under whose settings every delivery leaves;
    None where it can."""
    same = serving.tag(tag.name)
    if same is None:
        return "what serves has no tag of this name"
    if same.paused:
        return "the tag is paused in what serves"
    there = same.destination
    if tag.destination.name not in (there.name, *there.aliases):
        return f"this tag of what serves sends to {there.name}"
    if tag.destination.identity != there.identity:
        return f"{there.name} is another account in what serves"
    return None
