"""The commands, gathered."""

from __future__ import annotations

import errno
from typing import Any

import click

from tagserver import BUILD
from tagserver.cli.interrupt import told_apart
from tagserver.cli.lazy import LazyCommands
from tagserver.cli.output import give_up
from tagserver.cli.streams import sound_streams
from tagserver.system.files import os_fault
from tagserver.system.machine import this_user

COMMANDS = LazyCommands(
    {
        name: (f"tagserver.cli.{module}", attribute)
        for module, attributes in {
            "demo": {"demo": "demo"},
            "serve": {"serve": "serve"},
            "check": {"check": "check"},
            "test": {"test": "test"},
            "trial": {"try": "try_"},
            "plan": {"plan": "plan"},
            "versions": {"reload": "reload", "versions": "versions", "rollback": "rollback"},
            "pause": {"pause": "pause", "resume": "resume"},
            "dead": {"dead": "dead"},
            "forget": {"forget": "forget"},
            "backup": {"backup": "backup"},
            "restore": {"restore": "restore"},
            "audit": {"audit": "audit"},
            "doctor": {"doctor": "doctor"},
            "consent": {"consent": "consent"},
            "plugins": {"plugins": "plugins", "check-plugin": "check_plugin"},
            "new_plugin": {"new-plugin": "new_plugin"},
            "init": {"init": "init", "schema": "schema"},
            "snippet": {"snippet": "snippet"},
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
        sound_streams()
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
    context.with_resource(told_apart())
