"""The options that several commands share, and the configuration folder they stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from tagserver.cli.terminal import keep_standard_output, say_text, stream
from tagserver.config.configuration import ConfigurationFolder, process_environ, read_env_file
from tagserver.config.yaml.problems import Problem
from tagserver.config.yaml.report import render
from tagserver.plugin.registry import Registry
from tagserver.system.files import os_reason
from tagserver.system.machine import this_user
from tagserver.system.text import parse_time
from tagserver.system.time import Time

F = TypeVar("F", bound=Callable[..., Any])


class GivenPath(click.Path):
    """A path. One that is empty is wrong usage: it would be the folder in which the command runs, and mostly stands
    for a variable of a script that is not set. Whether it can be read is found where it is read, and said with the
    user's name there."""

    def __init__(self, **how: Any) -> None:
        super().__init__(path_type=Path, readable=False, **how)

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        """The Path. Raises BadParameter."""
        if value == "":
            self.fail("no name is given (a variable that is not set?)", parameter, context)
        return super().convert(value, parameter, context)


PATH = GivenPath()


def _readable(context: click.Context, parameter: click.Parameter, env_file: Path | None) -> Path | None:
    """The file, which can be read; said at once, whatever else the command would do first."""
    if env_file is not None:
        _read(env_file)
    return env_file


def _read(env_file: Path) -> dict[str, str]:
    try:
        return read_env_file(env_file)
    except OSError as error:
        why = f"{env_file} cannot be read by {this_user()}: {os_reason(error)}"
        raise click.UsageError(f"--env-file: {why}") from None
    except ValueError as error:
        raise click.UsageError(f"--env-file: {error}") from None


env_file_option = click.option(
    "--env-file",
    envvar="TAGSERVER_ENV_FILE",
    show_envvar=True,
    type=PATH,
    callback=_readable,
    is_eager=True,
    help="NAME=value lines; they win over the environment.",
)
"""`--env-file FILE`, of every command that reads the environment or asks a server. Whoever is on call sets its variable
once, and no command is given without it."""


def environment(env_file: Path | None) -> dict[str, str]:
    """The variables of a command: the process's, and those of the env file, which win."""
    return {**process_environ(), **(_read(env_file) if env_file is not None else {})}


def server_option(command: F) -> F:
    """`--data DIR` and `--env-file FILE`: of a command that asks the server of a data folder (`remote.call`)."""
    return data_option(env_file_option(command))


def config_option(command: F) -> F:
    """`--config DIR` and `--env-file FILE`."""
    return _folder_option("config", "The YAML files.")(env_file_option(command))


def data_option(command: F) -> F:
    """`--data DIR`."""
    return _folder_option("data", "Queue and state.")(command)


def _folder_option(name: str, text: str) -> Callable[[F], F]:
    return click.option(f"--{name}", name, type=PATH, default=Path(name), show_default=True, help=text)


def json_option(command: F) -> F:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")(command)


def note_option(most: int, text: str) -> Callable[[F], F]:
    """`--note TEXT`, of `most` characters."""

    def short(context: click.Context, parameter: click.Parameter, note: str) -> str:
        if len(note) > most:
            raise click.BadParameter(f"{len(note)} characters, and {most} are the most", context, parameter)
        return note

    return click.option("--note", default="", metavar="TEXT", callback=short, help=text)


def when_option(name: str, text: str) -> Callable[[F], F]:
    """A moment, in ms since 1970 UTC. It is fixed here and once: a command may ask the server several times."""

    def fixed(context: click.Context, parameter: click.Parameter, given: str | None) -> int | None:
        try:
            return None if given is None else parse_time(given, Time().now())
        except ValueError as error:
            raise click.BadParameter(str(error), context, parameter) from None

    return click.option(name, metavar="WHEN", callback=fixed, help=text)


def installed() -> Registry:
    """The plugins that are installed. Whatever they print from now on does not come between what the command prints."""
    keep_standard_output()
    return Registry.load()


def open_folder(config: Path, env_file: Path | None, data: Path | None = None) -> ConfigurationFolder:
    """The configuration folder of a command."""
    return ConfigurationFolder(config, installed(), process_environ(), env_file, data)


def without_env_file(env_file: Path | None, problems: Iterable[Problem]) -> str:
    """The sentence for whoever misses a variable that may stand in a file nobody has named; else empty."""
    missed = any(one.code == "P210" and "environment variable" in one.message for one in problems)
    if env_file is not None or not missed:
        return ""
    return "no env file was named: a server that has one sees more. Name it with --env-file FILE or TAGSERVER_ENV_FILE"


def print_problems(problems: Sequence[Problem], folder: Path, *, err: bool = True) -> None:
    """All problems in the layout for people."""
    texts = {}
    for name in {problem.place.file for problem in problems}:
        try:
            texts[name] = (folder / name).read_text(errors="replace")
        except OSError:
            continue
    say_text(render(problems, texts, root=str(folder), color=stream(err=err).isatty()), err=err)
