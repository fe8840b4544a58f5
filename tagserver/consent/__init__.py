"""Consent: what the visitor allowed, and what a tag needs. The one gate that every destination shares."""
