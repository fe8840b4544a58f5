"""The commands, gathered."""

from __future__ import annotations

import errno
from typing import Any

import click

from tagserver import BUILD
from tagserver.cli.audit import audit
from tagserver.cli.backup import backup
from tagserver.cli.check import check
from tagserver.cli.consent import consent
from tagserver.cli.dead import dead
from tagserver.cli.demo import demo
from tagserver.cli.doctor import doctor
from tagserver.cli.forget import forget
from tagserver.cli.init import init, schema
from tagserver.cli.interrupt import told_apart
from tagserver.cli.new_plugin import new_plugin
from tagserver.cli.options import give_up
from tagserver.cli.pause import pause, resume
from tagserver.cli.plan import plan
from tagserver.cli.plugins import check_plugin, plugins
from tagserver.cli.restore import restore
from tagserver.cli.sandbox import sandbox
from tagserver.cli.serve import serve
from tagserver.cli.snippet import snippet
from tagserver.cli.test import test
from tagserver.cli.trial import try_
from tagserver.cli.versions import reload, rollback, versions
from tagserver.os_fault import os_fault


class Commands(click.Group):
    """The commands of tagserver. What the system refuses is a sentence with path and reason, wherever it comes up."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.errno == errno.EPIPE:  # whoever read has gone, such as `head`: click ends quietly
                raise
            give_up(os_fault(error))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(
    BUILD.version, prog_name="tagserver", message=f"%(prog)s, version %(version)s, commit {BUILD.commit or 'unknown'}"
)
@click.pass_context
def main(context: click.Context) -> None:
    """Data-layer events in, vendor conversions out, with consent, and nothing lost."""
    context.with_resource(told_apart())


COMMANDS = (
    *(demo, serve, check, test, try_, plan, reload, versions, rollback, pause, resume, dead, forget),
    *(backup, restore, audit, doctor),
    *(consent, plugins, check_plugin, new_plugin, init, schema, snippet, sandbox),
)
for command in COMMANDS:
    main.add_command(command)
