"""Consent: what the visitor allowed, and what a tag needs. The one gate that every destination shares.

From what an event says to a decision: `signals` finds the raw values, `decoders` and `cookies` make readings of them,
`layers` lays an event's over those of its batch's context, `merge` makes one `state` of all, `cache` remembers it, and
`gate` decides with it. Nothing that cannot be read grants.
"""
