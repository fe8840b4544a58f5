"""`tagserver plugins`, `plugins show` and `check-plugin`: what is installed, what it may see and call, whether it keeps
the rules."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

import click
import msgspec

from tagserver.cli.options import installed, json_option
from tagserver.cli.terminal import give_up, say, say_json
from tagserver.plugin import Destination, Variable
from tagserver.plugin.client import Client
from tagserver.plugin.description import describe, describe_client, describe_variable, settings_of
from tagserver.plugin.fault import PluginCode, PluginFailed

F = TypeVar("F", bound=Callable[..., Any])


@click.group(invoke_without_command=True)
@click.pass_context
@json_option
def plugins(context: click.Context, as_json: bool) -> None:
    """Installed plugins, what they bring, and why one could not be loaded."""
    if context.invoked_subcommand is not None:
        return
    registry = installed()
    if as_json:
        say_json({"plugins": [msgspec.to_builtins(plugin) for plugin in registry.plugins]})
    else:
        for plugin in registry.plugins:
            mark = "✖" if plugin.error else "✔"
            kinds = [f"variable {kind}" for kind in plugin.variables]
            kinds += [f"client {kind}" for kind in plugin.clients]
            brings = ", ".join([*plugin.destinations, *kinds]) or "nothing"
            package = f" (package {plugin.package})" if plugin.error and plugin.package != plugin.name else ""
            say(f"{mark} {plugin.name} {plugin.version}{package}: {brings}")
            if plugin.error:
                say(f"  {plugin.error}")
    raise SystemExit(1 if registry.failed else 0)


def _destination(type_name: str) -> type[Destination]:
    registry = installed()
    found = registry.destinations.get(type_name)
    if found is None:
        why = registry.why_missing(type_name)
        give_up(f"no installed plugin has the type {type_name}" + (f" ({why})" if why else ""), 2)
    return found


def set_option(command: F) -> F:
    """`--set NAME=VALUE`, as often as wanted."""
    return click.option(
        "--set", "values", multiple=True, metavar="NAME=VALUE", help="A setting; any text will do for a secret."
    )(command)


def _settings(destination: type[Destination], values: Sequence[str]) -> Any:
    """The settings of `--set`; ends the command with what is missing or wrong."""
    from tagserver.testing import make_settings

    try:
        settings = make_settings(destination, _given(values))
    except TypeError as error:
        names = _given(values)
        missing = [one for one in settings_of(destination.Settings) if one["needed"] and one["name"] not in names]
        needed = " ".join(f"--set {one['name']}=…" for one in missing)
        raise click.UsageError(f"the settings do not fit: {needed or error}") from None
    for field in dataclasses.fields(settings):
        if (why := _fault(field, getattr(settings, field.name))) is not None:
            raise click.UsageError(f"--set {field.name}: {why}")
    return settings


def _fault(field: dataclasses.Field[Any], value: Any) -> str | None:
    """What the setting's own check says."""
    check = field.metadata.get("check")
    if check is None or value is None:
        return None
    try:
        why: str | None = check(value)
    except (AttributeError, TypeError, ValueError):
        return 'is not of its type; lists and maps are written as JSON, such as ["a"]'
    return why


def _given(values: Sequence[str]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals:
            raise click.UsageError(f"--set {value}: write NAME=VALUE")
        given[name] = _plain(text)
    return given


client_option = click.option(
    "--client", "is_client", is_flag=True, help="The inbound client of this name, where a destination has it too."
)


def _client(type_name: str, is_client: bool) -> type[Client] | None:
    """The inbound client that is meant: a destination of the same name goes first."""
    registry = installed()
    found = registry.clients.get(type_name)
    if found is None and is_client:
        give_up(f"no plugin has the client {type_name!r}; installed are {', '.join(sorted(registry.clients))}", 2)
    return found if is_client or type_name not in registry.destinations else None


@plugins.command()
@click.argument("type_name", metavar="TYPE")
@set_option
@client_option
@json_option
def show(type_name: str, values: tuple[str, ...], is_client: bool, as_json: bool) -> None:
    """What a destination may see and call, what it needs, and its settings; or the addresses and settings of an inbound
    client. Some depend on settings: give them."""
    if (variable := installed().variables.get(type_name)) is not None:
        _show_variable(variable, as_json)
        return
    if (client := _client(type_name, is_client)) is not None:
        _show_client(client, as_json)
        return
    destination = _destination(type_name)
    try:
        with PluginCode(destination, f"the plugin {type_name}", click.ClickException):
            shown = describe(destination, _settings(destination, values) if values else None)
    except PluginFailed as failed:
        give_up(str(failed))
    if as_json:
        say_json(shown)
        return
    consent = ", ".join(shown["consent"]["purposes"]) or "none"
    others = [path for path in shown["reads"] if path not in shown["personal"]]
    say(f"{shown['type']}: {shown['doc']}")
    say(f"  consent:  {consent}" + (", with a restricted mode" if shown["consent"]["restricted"] else ""))
    say(f"  for ads:  {'yes' if shown['ads'] else 'no'}")
    say(f"  sees:     {', '.join(others)}")
    say(f"  personal: {', '.join(shown['personal']) or 'nothing'}")
    say(f"  hashes:   {', '.join(shown['hashed']) or 'nothing'}")
    say(f"  in clear: {', '.join(shown['clear']) or 'nothing'}")
    known = [ours if ours == theirs else f"{ours} → {theirs}" for ours, theirs in shown["events"].items()]
    say(f"  events:   {', '.join(known) or 'none by name'}")
    unknown = "nobody" if destination.sink else "depends on its settings"
    say(f"  calls:    {', '.join(shown['hosts']) or unknown}")
    if shown["depends"]:
        say("  More may be seen, called or sent in the clear under some settings: give yours with --set NAME=VALUE.")
    say("  settings:")
    for one in shown["settings"]:
        needed = " (needed)" if one["needed"] else " (also of a tag)" if one["per_tag"] else ""
        say(f"    {one['name']}{needed}: {one['doc']}")
    if type_name in installed().clients:
        say(f"  There is an inbound client of this name, too: tagserver plugins show {type_name} --client")


def _show_variable(variable: Variable, as_json: bool) -> None:
    shown = describe_variable(variable)
    if as_json:
        say_json(shown)
        return
    say(f"{variable.type}: {shown['doc']}")
    say("  a kind of variable, with the inputs:")
    for one in shown["inputs"]:
        say(f"    {one['name']}{' (needed)' if one['needed'] else ''}: {one['doc']}")


def _show_client(client: type[Client], as_json: bool) -> None:
    shown = describe_client(client)
    if as_json:
        say_json(shown)
        return
    say(f"{client.type}: {shown['doc']}")
    say("  an inbound client: clients in server.yaml names it")
    if shown["reads"]:
        say(f"  events of /collect that it reads, by their key: {', '.join(shown['reads'])}")
    if shown["addresses"]:
        say(f"  addresses: {', '.join(shown['addresses'])}")
        say(f"  headers that events may be made of: {', '.join(shown['headers']) or 'none'}")
    say("  settings:" if shown["settings"] else "  it has no settings for all its senders")
    for one in shown["settings"]:
        say(f"    {one['name']}{' (needed)' if one['needed'] else ''}: {one['doc']}")
    if not shown["addresses"]:
        return
    where = f"clients.{client.type}.{client.keyed}." if client.keyed else f"clients.{client.type}."
    say(f"  of each sender ({where}NAME), beside secret, consent and basis:")
    for one in shown["sources"]:
        say(f"    {one['name']}{' (needed)' if one['needed'] else ''}: {one['doc']}")


@click.command("check-plugin")
@click.argument("type_name", metavar="TYPE")
@set_option
@client_option
@json_option
def check_plugin(type_name: str, values: tuple[str, ...], is_client: bool, as_json: bool) -> None:
    """Run the conformance suite on an installed destination: pure, complete, discreet. Sends nothing. For a kind of
    variable --set gives its inputs, for an inbound client the secret and settings of one sender."""
    from tagserver.testing import check_client, check_destination, check_variable, make_client

    if (variable := installed().variables.get(type_name)) is not None:
        _report(type_name, check_variable(type(variable), _given(values)), as_json)
    if (client := _client(type_name, is_client)) is not None:
        given = _given(values)
        shared = {one["name"] for one in settings_of(client.Settings)}
        sender = {name: value for name, value in given.items() if name not in shared}
        if "secret" not in sender and client.addresses:
            raise click.UsageError("give a sender its secret, any text: --set secret=… and its settings")
        senders = {"sender": sender} if client.addresses else {}
        settings = {name: given[name] for name in shared & given.keys()}
        try:
            with PluginCode(client, f"the plugin {type_name}", TypeError, ValueError):
                make_client(client, senders, settings)
        except TypeError as error:
            raise click.UsageError(f"the settings do not fit: {error}") from None
        except (PluginFailed, ValueError):
            pass  # the check says it
        _report(type_name, check_client(client, senders, settings), as_json)
    destination = _destination(type_name)
    try:
        with PluginCode(destination, f"the plugin {type_name}", click.ClickException):
            _settings(destination, values)
    except PluginFailed as failed:
        give_up(str(failed))
    _report(type_name, check_destination(destination, _given(values)), as_json)


def _report(type_name: str, faults: Sequence[str], as_json: bool) -> NoReturn:
    if as_json:
        say_json({"ok": not faults, "faults": faults})
    else:
        for fault in faults:
            say(f"✖ {fault}")
        say(f"{type_name} keeps the rules." if not faults else f"{len(faults)} fault{'s' * (len(faults) != 1)}.")
    raise SystemExit(1 if faults else 0)


def _plain(text: str) -> Any:
    """JSON where it is some (`true`, `["a"]`, `{"a": 1}`), else the text itself; digits stay a text."""
    if text[:1] in ("[", "{") or text in ("true", "false", "null"):
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            return text
    return text
