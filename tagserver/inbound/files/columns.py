"""What the columns of a table mean: guessed by their names, shown, and overruled by whoever sends the file.

A name is compared without case, blanks and signs. Exports of shops and payment services have names of their own for
some fields (`Id`, `Total`), which mean that only there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from tagserver.event.click_ids import PARAMETERS
from tagserver.inbound.files.faults import BadFile

Kind = Literal["text", "number", "time", "status", "refund"]

EVENT, EVENT_ID, TIME, ORDER = "event", "event_id", "timestamp", "ecommerce.transaction_id"
STATUS, REFUND = "status", "refund_id"
"""Columns that decide about a row, and are no fields of its event."""
ITEM = "item."
"""How the fields of a row's one item begin."""
REPORT = ("refused_line", "refused_column", "refused_reason")
"""Columns of the file that tells what was refused; that file may be corrected and sent."""

_NUMBERS = frozenset(
    {"ecommerce.value", "ecommerce.tax", "ecommerce.shipping", "item.price", "item.quantity", "item.discount"}
)
_TIMES = frozenset({TIME, "original_event_data.event_time"})

_ALIASES: Mapping[str, tuple[str, ...]] = {
    EVENT: ("event", "eventname", "conversionname"),
    EVENT_ID: ("eventid",),
    TIME: ("timestamp", "time", "eventtime", "conversiontime", "date", "datetime"),
    ORDER: ("transactionid", "orderid", "ordernumber"),
    REFUND: ("refundid",),
    STATUS: ("paymentstatus", "financialstatus"),
    "ecommerce.value": ("value", "conversionvalue", "ordervalue", "ordertotal", "total", "amount", "revenue"),
    "ecommerce.currency": ("currency", "conversioncurrency", "currencycode", "ordercurrency"),
    "ecommerce.tax": ("tax",),
    "ecommerce.shipping": ("shipping",),
    "ecommerce.coupon": ("coupon",),
    "user_data.email": ("email", "emailaddress", "customeremail", "billingemail", "em", "userdataemail"),
    "user_data.phone_number": ("phone", "phonenumber", "customerphone", "billingphone", "ph", "userdataphonenumber"),
    "user_data.address.first_name": ("fn", "firstname", "billingfirstname"),
    "user_data.address.last_name": ("ln", "lastname", "billinglastname"),
    "user_data.address.street": ("street", "streetaddress"),
    "user_data.address.city": ("ct", "city", "billingcity"),
    "user_data.address.region": ("st", "state", "region", "billingstate"),
    "user_data.address.postal_code": ("zip", "zp", "zipcode", "postcode", "postalcode", "billingpostcode"),
    "user_data.address.country": ("country", "countrycode", "billingcountry"),
    "user_data.date_of_birth": ("dob", "dateofbirth", "birthday"),
    "user_data.gender": ("gen", "gender"),
    "user_data.external_id": ("externid", "externalid", "uid"),
    "user_data.madid": ("madid",),
    "user_data.lead_id": ("leadid",),
    "user_id": ("userid", "customerid"),
    "client_id": ("clientid",),
    "action_source": ("actionsource",),
    "consent.ad_user_data": ("aduserdata", "consentaduserdata"),
    "consent.ad_personalization": ("adpersonalization", "consentadpersonalization"),
    "consent.ad_storage": ("adstorage", "consentadstorage"),
    "consent.analytics_storage": ("analyticsstorage", "consentanalyticsstorage"),
    "page.location": ("pagelocation", "eventsourceurl", "url"),
    "cookie._fbp": ("fbp",),
    "cookie._fbc": ("fbc",),
    "original_event_data.event_name": ("originaleventname",),
    "original_event_data.event_time": ("originaleventtime",),
    "original_event_data.order_id": ("originalorderid",),
    "original_event_data.event_id": ("originaleventid",),
    "item.item_id": ("itemid", "itemnumber", "sku"),
    "item.item_name": ("itemname", "productname"),
    "item.price": ("itemprice",),
    "item.quantity": ("itemquantity", "quantity"),
}
_GENERAL = (
    {alias: field for field, aliases in _ALIASES.items() for alias in aliases}
    | {name.replace("_", ""): f"click.{name}" for name in PARAMETERS}
    | {"googleclickid": "click.gclid"}
)


class _Export(NamedTuple):
    """The export of one program, known by `marks`: columns that it always has. `group`: the column that all rows of one
    order share, where an order has several."""

    name: str
    marks: frozenset[str]
    fields: Mapping[str, str]
    group: str = ""


_EXPORTS = (
    _Export(
        "Shopify's orders",
        frozenset({"name", "financialstatus", "paidat", "lineitemname"}),
        {
            "id": ORDER,
            "financialstatus": STATUS,
            "paidat": TIME,
            "currency": "ecommerce.currency",
            "total": "ecommerce.value",
            "taxes": "ecommerce.tax",
            "shipping": "ecommerce.shipping",
            "discountcode": "ecommerce.coupon",
            "email": "user_data.email",
            "billingphone": "user_data.phone_number",
            "billingcity": "user_data.address.city",
            "billingzip": "user_data.address.postal_code",
            "billingprovince": "user_data.address.region",
            "billingcountry": "user_data.address.country",
            "lineitemname": "item.item_name",
            "lineitemprice": "item.price",
            "lineitemquantity": "item.quantity",
            "lineitemsku": "item.item_id",
        },
        group="name",
    ),
    _Export(
        "WooCommerce's orders",
        frozenset({"orderid", "status", "ordertotal"}),
        {**_GENERAL, "status": STATUS, "paiddate": TIME, "orderdate": "", "ordernumber": "", "date": ""},
    ),
    _Export(
        "Stripe's payments",
        frozenset({"id", "createdutc", "amount", "customeremail"}),
        {
            "createdutc": TIME,
            "amount": "ecommerce.value",
            "currency": "ecommerce.currency",
            "customeremail": "user_data.email",
            "status": STATUS,
            "orderidmetadata": ORDER,
            "transactionidmetadata": ORDER,
        },
    ),
)

_folded_signs = re.compile(r"[^a-z0-9]")
_field = re.compile(r"[a-z_][a-zA-Z0-9_]{0,63}(?:\.[a-zA-Z_][a-zA-Z0-9_]{0,63}){0,3}").fullmatch
_numbered = re.compile(r"(email|phone)([1-9])").fullmatch
_SEVERAL = {"email": "user_data.email", "phone": "user_data.phone_number"}


class Column(NamedTuple):
    """`at`: its place, from 0; `field`: the path in an event, empty where it is left out; `several`: it is one of a
    list."""

    at: int
    name: str
    field: str
    kind: Kind
    several: bool = False


class Columns(NamedTuple):
    """`export`: whose it is, where that is known; `group`: the index of the column that tells orders apart where an
    order has several rows, None where each row is an event."""

    columns: tuple[Column, ...]
    export: str
    group: int | None

    @property
    def read(self) -> Iterator[Column]:
        """Those that are not left out."""
        return (one for one in self.columns if one.field)


def fold(name: str) -> str:
    """A column's name as it is compared."""
    return _folded_signs.sub("", name.lower())


def field_of(name: str) -> str:
    """The path in an event that is meant by a name: one of those that columns may have, or the path itself. Raises
    BadFile."""
    field = name if "." in name else _GENERAL.get(fold(name), name)
    if not _field(field):
        raise BadFile(f'"{name}" is no field of an event: write it as ecommerce.value or user_data.email')
    return field


def read_columns(header: Sequence[str], given: Mapping[str, str]) -> Columns:
    """The meaning of each column. `given`: column → field, or empty to leave it out; it wins over what is guessed.
    Raises BadFile for what nobody could decide: two columns for one field, a column that is not there."""
    folded = [fold(name) for name in header]
    chosen = {fold(name): field for name, field in given.items()}
    for name in given:
        if fold(name) not in folded:
            raise BadFile(f'the file has no column "{name}": it has {", ".join(filter(None, header))}')
    export = next((one for one in _EXPORTS if one.marks.issubset(folded)), None)
    table = _GENERAL if export is None else export.fields
    columns = []
    for index, (name, bare) in enumerate(zip(header, folded, strict=True)):
        field, several = "", False
        if bare in chosen:
            field = field_of(chosen[bare]) if chosen[bare] else ""
        elif name in REPORT:
            pass
        elif (found := _numbered(bare)) and export is None:
            field, several = _SEVERAL[found[1]], True
        else:
            field = table.get(bare, "")
        columns.append(Column(index, name, field, _kind(field), several))
    _refuse_twice(columns)
    return Columns(tuple(columns), "" if export is None else export.name, _group(columns, folded, export))


def _kind(field: str) -> Kind:
    if field in _NUMBERS:
        return "number"
    if field in _TIMES:
        return "time"
    return "status" if field == STATUS else "refund" if field == REFUND else "text"


def _refuse_twice(columns: Sequence[Column]) -> None:
    seen: dict[str, Column] = {}
    for one in columns:
        if not one.field:
            continue
        before = seen.setdefault(one.field, one)
        if before is not one and not (before.several and one.several):
            raise BadFile(
                f'columns {before.at + 1} ("{before.name}") and {one.at + 1} ("{one.name}") are both '
                f'{one.field}: leave one out, --map "{one.name}="'
            )
        clash = next((other for other in seen.values() if other.field.startswith(f"{one.field}.")), None)
        if clash is not None or any(other.field and one.field.startswith(f"{other.field}.") for other in seen.values()):
            raise BadFile(f'"{one.name}" cannot be {one.field}: another column is a part of it, or holds it as a part')


def _group(columns: Sequence[Column], folded: Sequence[str], export: _Export | None) -> int | None:
    if not any(one.field.startswith(ITEM) for one in columns):
        return None
    if export is not None and export.group in folded:
        return folded.index(export.group)
    return next((one.at for one in columns if one.field == ORDER), None)
