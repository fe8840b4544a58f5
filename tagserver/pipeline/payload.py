"""One tag's payload of one event: what the tag may have of it, built by the plugin, and looked at once more before it
is stored."""

from __future__ import annotations

import msgspec

from tagserver.config.model import Tag
from tagserver.config.parameters import no_parameters
from tagserver.event.event import MISSING
from tagserver.outgoing.consent_filter import leave
from tagserver.outgoing.field_filter import owned
from tagserver.outgoing.known_secrets import KnownSecrets
from tagserver.outgoing.outgoing import OutgoingEvents
from tagserver.outgoing.redaction import Finding
from tagserver.plugin.destination import Built, Mode, Omitted, Skip
from tagserver.plugin.fault import failed
from tagserver.plugin.payload_check import Unsound, encoded, skipped
from tagserver.privacy.detection import may_hide_email


class Made(msgspec.Struct, frozen=True, gc=False):
    """`body`: the JSON that is stored. `omitted`: what consent keeps back, what was taken out, and what the plugin left
    out; `findings`: the personal data among it."""

    built: Built
    body: bytes
    omitted: tuple[Omitted, ...]
    findings: tuple[Finding, ...] = ()


def make(tag: Tag, outgoing: OutgoingEvents, mode: Mode, secrets: KnownSecrets) -> Made:
    """The payload. Raises Skip with all that was omitted, Unsound, and PluginFailed. `secrets`: what no payload may
    hold."""
    destination, redact = tag.destination, tag.redact_override is None
    plugin = destination.plugin
    scope = outgoing.scope
    for transformation in tag.transformations:
        scope = transformation.apply(scope)
    event = outgoing.of(scope, leave(tag.needs, plugin.consent, outgoing.consent, mode), redact=redact)
    parameters = {} if tag.parameters is no_parameters else tag.parameters(event.scope)
    if tag.event_name is not None and (name := tag.event_name(event.scope)) is not MISSING:
        if name is None:
            # The destination's own name would be another event: a second purchase.
            raise Skip("variable", "event_name has no value")
        parameters["event_name"] = name
    omitted, findings = event.omitted(destination.reads)
    if parameters:
        parameters, withheld, found = event.parameters(parameters, plugin.person, tag.constants)
        omitted, findings = omitted + withheld, findings + found
    if findings:
        omitted = omitted + [Omitted(one.path, one.why) for one in findings]
    try:
        view = destination.reads.view(event.event, outgoing.consent.granted, event.rules)
        built = plugin.build(view, owned(parameters) if parameters else parameters, destination.settings, mode)
    except Skip as raised:
        skip = skipped(raised)
        raise (Skip(skip.reason, skip.detail, (*omitted, *skip.omitted)) if omitted else skip) from None
    except BaseException as error:
        raise failed(error, plugin, "build") from error
    body = encoded(built, plugin.limits)
    checked, wrong = destination.fields.only_hashes(built.body)
    if redact and may_hide_email(body):
        checked, more = destination.fields.without_emails(checked, scope.event.event_id)
        wrong += more
        findings += [Finding(one.field, ("email",)) for one in more]
    if wrong:
        built = msgspec.structs.replace(built, body=checked)
        body = encoded(built, plugin.limits)
    if (place := secrets.place_in(body, built.name, built.group or "")) is not None:
        raise Unsound(f"what was built holds a secret in {place}: secrets enter in request")
    if omitted or wrong:
        return Made(built, body, (*omitted, *built.omitted, *wrong), tuple(findings))
    return Made(built, body, built.omitted)
