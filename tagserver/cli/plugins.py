"""`tagserver plugins`, `plugins show` and `check-plugin`: what is installed, what it may see and call, whether it keeps
the rules."""

from __future__ import annotations

import dataclasses
from typing import Any

import click
import msgspec

from tagserver.cli.options import give_up, json_option
from tagserver.plugin import Destination
from tagserver.registry import Registry


@click.group(invoke_without_command=True)
@click.pass_context
@json_option
def plugins(context: click.Context, as_json: bool) -> None:
    """Installed plugins, their destinations, and why one could not be loaded."""
    if context.invoked_subcommand is not None:
        return
    registry = Registry.load()
    if as_json:
        click.echo(msgspec.json.encode({"plugins": [msgspec.to_builtins(plugin) for plugin in registry.plugins]}))
    else:
        for plugin in registry.plugins:
            mark = "✖" if plugin.error else "✔"
            click.echo(f"{mark} {plugin.name} {plugin.version}: {', '.join(plugin.destinations) or 'no destination'}")
            if plugin.error:
                click.echo(f"  {plugin.error}")
    raise SystemExit(1 if registry.failed else 0)


def _destination(type_name: str) -> type[Destination]:
    registry = Registry.load()
    found = registry.destinations.get(type_name)
    if found is None:
        why = "; ".join(f"{plugin.name}: {plugin.error}" for plugin in registry.failed)
        give_up(f"no installed plugin has the type {type_name}" + (f" ({why})" if why else ""), 2)
    return found


@plugins.command()
@click.argument("type_name", metavar="TYPE")
@json_option
def show(type_name: str, as_json: bool) -> None:
    """What a destination may see and call, what it needs, and its settings."""
    shown = describe(_destination(type_name))
    if as_json:
        click.echo(msgspec.json.encode(shown))
        return
    consent = ", ".join(shown["consent"]["purposes"]) or "none"
    click.echo(f"{shown['type']}: {shown['doc']}")
    click.echo(f"  consent: {consent}" + (", with a restricted mode" if shown["consent"]["restricted"] else ""))
    click.echo(f"  for ads: {'yes' if shown['ads'] else 'no'}")
    click.echo(f"  sees:    {', '.join(shown['reads'])}")
    click.echo(f"  calls:   {', '.join(shown['hosts']) or 'depends on its settings'}")
    click.echo("  settings:")
    for one in shown["settings"]:
        needed = " (needed)" if one["needed"] else ""
        click.echo(f"    {one['name']}{needed}: {one['doc']}")


def describe(destination: type[Destination]) -> dict[str, Any]:
    """What `plugins show` says, for machines. Hosts that depend on the settings are not known here."""
    plugin = destination()
    try:
        hosts = list(plugin.hosts(None))
    except Exception:  # it looks at its settings, and there are none
        hosts = []
    limits = destination.limits
    return {
        "type": destination.type,
        "doc": (destination.__doc__ or "").strip().partition("\n")[0],
        "ads": destination.ads,
        "consent": {"purposes": list(destination.consent.purposes), "restricted": destination.consent.restricted},
        "reads": sorted(destination.reads),
        "hosts": hosts,
        "limits": {"events": limits.events, "bytes": limits.bytes, "age": limits.age, "requests": limits.requests},
        "settings": [
            {
                "name": field.name,
                "doc": field.metadata.get("doc", ""),
                "needed": field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
                "identity": bool(field.metadata.get("identity")),
            }
            for field in dataclasses.fields(destination.Settings)
        ],
    }


@click.command("check-plugin")
@click.argument("type_name", metavar="TYPE")
@click.option("--set", "values", multiple=True, metavar="NAME=VALUE", help="A setting; any text will do for a secret.")
@json_option
def check_plugin(type_name: str, values: tuple[str, ...], as_json: bool) -> None:
    """Run the conformance suite on an installed destination: pure, complete, discreet. Sends nothing."""
    from tagserver.testing import check_destination, make_settings

    destination = _destination(type_name)
    given: dict[str, Any] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals:
            raise click.UsageError(f"--set {value}: write NAME=VALUE")
        given[name] = _plain(text)
    try:
        make_settings(destination, given)
    except TypeError as error:
        missing = [
            one["name"] for one in describe(destination)["settings"] if one["needed"] and one["name"] not in given
        ]
        needed = " ".join(f"--set {name}=…" for name in missing)
        raise click.UsageError(f"the settings do not fit: {needed or error}") from None
    faults = check_destination(destination, given)
    if as_json:
        click.echo(msgspec.json.encode({"ok": not faults, "faults": faults}))
    else:
        for fault in faults:
            click.echo(f"✖ {fault}")
        click.echo(f"{type_name} keeps the rules." if not faults else f"{len(faults)} faults.")
    raise SystemExit(1 if faults else 0)


def _plain(text: str) -> Any:
    """JSON where it is some (`true`, `["a"]`, `{"a": 1}`), else the text itself; digits stay a text."""
    if text[:1] in ("[", "{") or text in ("true", "false", "null"):
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            return text
    return text
