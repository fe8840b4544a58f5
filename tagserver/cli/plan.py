"""`tagserver plan`: what a change of the configuration changes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import click
import msgspec

from tagserver.cli.options import GivenPath, config_option, data_option, json_option, open_folder, print_problems
from tagserver.cli.terminal import give_up, say, say_json
from tagserver.cli.versions import say_damaged
from tagserver.config.configuration import ConfigurationFolder
from tagserver.config.version import SERVER_FILE, version_of
from tagserver.config.yaml.folder import is_configuration, read_texts
from tagserver.event.json_text import UNREADABLE, read_json
from tagserver.explain.plan import Change, Effect, changes, effects, summary
from tagserver.publishing.store import Store


@click.command()
@config_option
@data_option
@click.option(
    "--against",
    metavar="WHAT",
    help="A folder, git:REV, or the number of a version.  [default: the version that serves]",
)
@click.option(
    "--events",
    type=GivenPath(dir_okay=False),
    help="A file with one event a line: what changes for each of them.",
)
@click.option("--markdown", is_flag=True, help="Print Markdown, for a pull request.")
@json_option
def plan(
    config: Path,
    env_file: Path | None,
    data: Path,
    against: str | None,
    events: Path | None,
    markdown: bool,
    as_json: bool,
) -> None:
    """Compare the files with what serves (or with something else): in words, and in what would be sent. Sends nothing,
    and needs no running server."""
    folder = open_folder(config, env_file)
    after = read_texts(config)
    version = _version(against, data) if against is None or against.isdecimal() else None
    before: Mapping[str, bytes]
    if version is not None:
        # Of server.yaml there is but one.
        before = {**version.texts, **{name: text for name, text in after.items() if name == SERVER_FILE}}
    else:
        before = _texts(str(against), config)
    found = changes(before, after, folder.registry)
    asked = list(_events(events)) if events is not None else []
    refused: list[str] = []
    effect = effects(_sound(folder, before), _sound(folder, after), asked, refused.append) if asked else []
    for why in refused:
        say(f"left out, {why}", err=True)
    if as_json:
        named = {"against": None if version is None else version.as_dict()}
        shown = named | {"changes": [one.as_dict() for one in found], "effects": [one.as_dict() for one in effect]}
        say_json({**shown, "events": len(asked), "refused": refused})
    else:
        if version is not None:
            say(str(version))
        number = len(asked) - len(refused)
        for line in _markdown(found, effect, number) if markdown else _text(found, effect, number):
            say(line)
    if folder.compile_texts(after).container is None:
        give_up("these files have errors, and cannot be published: `tagserver check` shows them")


@dataclass(frozen=True)
class _Version:
    number: int
    version: str
    serves: bool
    texts: Mapping[str, bytes]

    def as_dict(self) -> dict[str, Any]:
        return {"number": self.number, "version": self.version, "serves": self.serves}

    def __str__(self) -> str:
        which = ", which serves" if self.serves else ""
        return f"Compared with version {self.number}{which} (container {self.version}):"


def _version(against: str | None, data: Path) -> _Version:
    """A published version: the one that serves, or that of a number."""
    store = Store(data)
    state = store.state()
    say_damaged(store)
    if state is None:
        give_up(f"nothing was published from {data} yet; say what to compare with: --against")
    number = state.serves if against is None else int(against)
    texts = store.texts(number)
    if texts is None:
        give_up(f"version {number} is not kept in {data}")
    return _Version(number, version_of(texts), number == state.serves, texts)


def _sound(folder: ConfigurationFolder, texts: Mapping[str, bytes]) -> Any:
    loaded = folder.compile_texts(texts)
    if loaded.container is None or loaded.server is None:
        print_problems(loaded.problems, folder.folder)
        raise SystemExit(1)
    return loaded.container, loaded.server


def _texts(against: str, config: Path) -> Mapping[str, bytes]:
    if against.startswith("git:"):
        return _git(against.removeprefix("git:"), config)
    if not Path(against).is_dir():
        raise click.UsageError(f"--against {against}: no such folder, and neither git:REV nor a number")
    return read_texts(Path(against))


def _git(revision: str, config: Path) -> dict[str, bytes]:
    """The configuration folder as it is in a revision."""

    def git(*words: str) -> bytes:
        done = subprocess.run(["git", "-C", str(config), *words], capture_output=True, check=False)  # noqa: S603, S607 (our git)
        if done.returncode:
            give_up(f"git: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout

    commit = git("rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}").decode().strip()
    names = git("ls-tree", "-r", "--name-only", "-z", commit, "--", ".").decode().split("\0")
    return {name: git("show", f"{commit}:./{name}") for name in names if is_configuration(PurePosixPath(name))}


def _events(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        give_up(f"{path} cannot be read: {error}")
    decoder = msgspec.json.Decoder()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            event = read_json(line, decoder)
        except UNREADABLE:
            give_up(f"{path}:{number}: this line is not JSON")
        if not isinstance(event, dict):
            give_up(f"{path}:{number}: this line is no object")
        inner = isinstance(event.get("event"), dict)
        yield event if inner else {"event": event}


def _text(found: list[Change], effect: list[Effect], number: int) -> list[str]:
    lines: list[str] = []
    for change in found:
        lines.append(f"{change.sign} {change.what} {change.name}")
        lines += [f"    {one}" for one in change.fields]
    lines += [] if found else ["The configuration is the same."]
    for one in effect:
        lines.append(f"{one.event_id} {one.event} at {one.tag}: {one.before} → {one.after}")
        lines += [f"    {field}" for field in one.fields]
    if number:
        lines += summary(effect, number) or [f"Nothing changes for {number} events."]
    return lines


def _markdown(found: list[Change], effect: list[Effect], number: int) -> list[str]:
    lines = ["### Configuration", ""]
    for change in found:
        lines.append(f"- `{change.sign}` {change.what} **{change.name}**")
        lines += [f"  - `{one}`" for one in change.fields]
    lines += [] if found else ["The same."]
    if number:
        lines += ["", f"### Effect on {number} events", ""]
        lines += [f"- {line}" for line in summary(effect, number)] or ["None."]
        for one in effect[:50]:
            lines += ["", f"**{one.event}** `{one.event_id}` at {one.tag}: {one.before} → {one.after}", ""]
            lines += [f"- `{field}`" for field in one.fields]
        if len(effect) > 50:
            lines += ["", f"… and {len(effect) - 50} more."]
    return lines
