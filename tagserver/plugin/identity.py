"""Who it was, for authors of destinations: rules for a table of fields, and the same as functions.

A rule (`EMAIL`, `PHONE`, `CITY` …) is one field of the event's person in one canonical form, hashed; `rule` makes one
of a vendor's own form. What an event has under a rule is worked out once for all destinations: no destination should
have rules beside these, or the same person would have two hashes.
"""

from __future__ import annotations

from tagserver.event.hashing import Found, arrived_hash, hash_phones, hash_values, sha256_hex
from tagserver.event.identity import Identity
from tagserver.event.identity_rules import (
    CITY,
    COUNTRY,
    EMAIL,
    EXTERNAL_ID,
    FIRST_NAME,
    GENDER,
    LAST_NAME,
    POSTAL_CODE,
    REGION,
    Rule,
    own_id_rule,
    rule,
)
from tagserver.event.normalise import (
    Unusable,
    birth_date_text,
    city_text,
    compact_text,
    digits_text,
    email_bare_text,
    email_folded_text,
    email_gmail_alias_text,
    email_gmail_dots_text,
    email_text,
    gender_text,
    letters_text,
    lower_text,
    name_case_text,
    name_text,
    postal_text,
    state_text,
    street_text,
    trimmed_text,
)
from tagserver.event.places import country_code
from tagserver.event.tag_identity import Who
from tagserver.plugin.own_user_data import OWN_CLEAR, OWN_HASHED, own_user_data
from tagserver.plugin.table_rows import BIRTH_DATE, COUNTRY_CODE, PHONE, PHONE_PLUS, in_clear

__all__ = [
    "BIRTH_DATE",
    "CITY",
    "COUNTRY",
    "COUNTRY_CODE",
    "EMAIL",
    "EXTERNAL_ID",
    "FIRST_NAME",
    "GENDER",
    "LAST_NAME",
    "OWN_CLEAR",
    "OWN_HASHED",
    "PHONE",
    "PHONE_PLUS",
    "POSTAL_CODE",
    "REGION",
    "Found",
    "Identity",
    "Rule",
    "Unusable",
    "Who",
    "arrived_hash",
    "birth_date_text",
    "city_text",
    "compact_text",
    "country_code",
    "digits_text",
    "email_bare_text",
    "email_folded_text",
    "email_gmail_alias_text",
    "email_gmail_dots_text",
    "email_text",
    "gender_text",
    "hash_phones",
    "hash_values",
    "in_clear",
    "letters_text",
    "lower_text",
    "name_case_text",
    "name_text",
    "own_id_rule",
    "own_user_data",
    "postal_text",
    "rule",
    "sha256_hex",
    "state_text",
    "street_text",
    "trimmed_text",
]
