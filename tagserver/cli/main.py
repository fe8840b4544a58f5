"""The commands, and how one of them is found and run."""

from __future__ import annotations

import errno
from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Any

import click

from tagserver import BUILD
from tagserver.cli.process import own_interrupts
from tagserver.cli.terminal import give_up, prepare_streams
from tagserver.system.files import os_fault
from tagserver.system.machine import this_user


class LazyCommands(MutableMapping[str, click.Command]):
    """Commands by name, each imported when it is called: the one that was typed does not wait for what the others need.
    At first each stands as the module and the attribute where it is found."""

    def __init__(self, places: dict[str, tuple[str, str]]) -> None:
        self._found: dict[str, click.Command | tuple[str, str]] = dict(places)

    def __getitem__(self, name: str) -> click.Command:
        """Raises KeyError for a name that is none."""
        found = self._found[name]
        if isinstance(found, tuple):
            module, attribute = found
            found = getattr(import_module(module), attribute)
            assert isinstance(found, click.Command)
            self._found[name] = found
        return found

    def __setitem__(self, name: str, command: click.Command) -> None:
        """One that is there already."""
        self._found[name] = command

    def __delitem__(self, name: str) -> None:
        """It is none any more."""
        del self._found[name]

    def __iter__(self) -> Iterator[str]:
        """The names; nothing is imported for that."""
        return iter(self._found)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._found)

    def __contains__(self, name: object) -> bool:
        """Whether there is such a command; it is not imported for that."""
        return name in self._found


COMMANDS = LazyCommands(
    {
        name: (f"tagserver.cli.{module}", attribute)
        for module, attributes in {
            "demo": {"demo": "demo"},
            "serve": {"serve": "serve"},
            "check": {"check": "check"},
            "test": {"test": "test"},
            "try_": {"try": "try_"},
            "plan": {"plan": "plan"},
            "preview": {"preview": "preview"},
            "versions": {"reload": "reload", "versions": "versions", "rollback": "rollback"},
            "pause": {"pause": "pause", "resume": "resume"},
            "dead": {"dead": "dead"},
            "forget": {"forget": "forget"},
            "explain": {"explain": "explain", "tap": "tap"},
            "backup": {"backup": "backup"},
            "restore": {"restore": "restore"},
            "audit": {"audit": "audit"},
            "doctor": {"doctor": "doctor"},
            "consent": {"consent": "consent"},
            "plugins": {"plugins": "plugins", "check-plugin": "check_plugin"},
            "new_plugin": {"new-plugin": "new_plugin"},
            "init": {"init": "init", "schema": "schema"},
            "snippet": {"snippet": "snippet"},
            "send": {"send": "send"},
            "sandbox": {"sandbox": "sandbox"},
        }.items()
        for name, attribute in attributes.items()
    }
)
"""Module → command → its name there."""


class Commands(click.Group):
    """The commands of tagserver. What the system refuses is a sentence with path and reason, wherever it comes up."""

    def main(self, *args: Any, **more: Any) -> Any:
        """Run as a program."""
        prepare_streams()
        return super().main(*args, **more)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.errno == errno.EPIPE:  # whoever read has gone, such as `head`: click ends quietly
                raise
            said = os_fault(error)
            if isinstance(error, PermissionError):
                said = f"{said} (as {this_user()}); run this as the user whose file it is"
            give_up(said)


@click.group(cls=Commands, commands=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(
    BUILD.version, prog_name="tagserver", message=f"%(prog)s, version %(version)s, commit {BUILD.commit or 'unknown'}"
)
@click.pass_context
def main(context: click.Context) -> None:
    """Data-layer events in, vendor conversions out, with consent, and nothing lost."""
    context.with_resource(own_interrupts())
