"""Customers: ``customers/*``, what else Shopify tells of them, and the customer inside other bodies.

Since 2025-01 a customer comes in pieces: who it is in ``customers/update``, tags, consent and what it
bought in topics of their own. Each piece has its own time, and they may come in any order.
https://shopify.dev/changelog/new-customer-s-webhook-and-changes-to-existing-customer-s-webhooks-payload
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tillstream.mirror.change import Body, Change
from tillstream.mirror.join import Element, Fields, Layers, join_layers, known, latest, layer
from tillstream.mirror.reading import Readers, as_count, as_list, as_text, fields, filled, named
from tillstream.mirror.redaction import customer_mark, email_mark
from tillstream.mirror.values import identifier, mapping, moment, money, objects, text


class Customer(msgspec.Struct, frozen=True):
    """A merged customer. Times in µs since the epoch, money in ten-thousandths of ``currency``.

    ``orders_count_told`` and ``amount_spent_told`` are Shopify's own word; the figures are counted
    from orders. ``merged_into`` is the customer that Shopify kept in place of this one.
    """

    id: int
    deleted: bool
    updated_at: int | None
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    created_at: int | None = None
    account_state: str | None = None
    tags: list[str] = []
    orders_count_told: int | None = None
    amount_spent_told: int | None = None
    currency: str | None = None
    email_consent: str | None = None
    email_consent_at: int | None = None
    sms_consent: str | None = None
    sms_consent_at: int | None = None
    merged_into: int | None = None


def read(body: Body) -> list[Change]:
    """``customers/create``, ``/update``, ``/enable``, ``/disable``."""
    return [_change(body, 0)]


def read_delete(body: Body) -> list[Change]:
    """``customers/delete``."""
    return [Change("customer", identifier(body.get("id"), "id"), Element(deleted=True))]


def read_embedded(body: Any, at: int) -> list[Change]:
    """The customer inside another body of time ``at``; null, absent or without id is a guest."""
    if not isinstance(body, dict) or body.get("id") in (None, "", 0):  # pyright: ignore[reportUnknownMemberType]
        return []
    return [_change(body, at)]  # pyright: ignore[reportUnknownArgumentType]


def read_merge(body: Body) -> list[Change]:
    """``customers/merge``: the one that is deleted leads to the one that is kept, for good.

    A merge that is only asked for, or failed, is none. Whoever is to be forgotten under the id that
    was kept is forgotten under the other as well.
    """
    if (text(body.get("status")) or "").lower() in _UNMERGED:
        return []
    kept = _named(body, "admin_graphql_api_customer_kept_id")
    lost = _named(body, "admin_graphql_api_customer_deleted_id")
    if kept == lost:
        return []
    element = Element(deleted=True, marks={f"{_INTO}{kept}": 1}, people=[customer_mark(kept)])
    return [Change("customer", lost, element)]


def read_purchasing_summary(body: Body) -> list[Change]:
    """``customers/purchasing_summary``: how often and for how much the customer bought, by Shopify."""
    told = fields(body, _SUMMARY)
    spent = mapping(body.get("amountSpent"))
    if spent.get("amount") is not None:
        told["amount_spent_told"] = money(spent["amount"], "amountSpent.amount")
        told["currency"] = text(spent.get("currencyCode"))
    at = moment(body.get("occurredAt"), "occurredAt") or 0
    element = Element(layers=layer(at, filled(told), _facts(told)))
    return [Change("customer", _named(body, "customerId", "customer_id"), element)]


def read_email_consent(body: Body) -> list[Change]:
    """``customers_email_marketing_consent/update``."""
    return [_consenting(body, body.get("email_address"))]


def read_sms_consent(body: Body) -> list[Change]:
    """``customers_marketing_consent/update``: consent to text messages, whatever its name says."""
    return [_consenting(body, None)]


def read_tags_added(body: Body) -> list[Change]:
    """``customer.tags_added``: the tags that were added, not all there are."""
    return [_retagged(body, added=True)]


def read_tags_removed(body: Body) -> list[Change]:
    """``customer.tags_removed``: the tags that were taken away."""
    return [_retagged(body, added=False)]


def view(customer_id: int, element: Element) -> Customer:
    """The merged customer of an element."""
    merges = (name.removeprefix(_INTO) for name in element.marks if name.startswith(_INTO))
    return msgspec.convert(
        {
            **known(element),
            "id": customer_id,
            "deleted": element.deleted,
            "updated_at": latest(element),
            "tags": _tags(element.personal),
            # Nobody is merged twice. If two merges were told, all have to believe the same one.
            "merged_into": min(map(int, merges), default=None),
        },
        Customer,
    )


def names_inside(body: Any) -> Fields:
    """What a customer inside another body is called, as fields of that other resource."""
    customer = mapping(body)
    return {
        f"{_OF_CUSTOMER}{name}": text(customer[name])
        for name in ("first_name", "last_name")
        if name in customer
    }


def full_name(told: Fields) -> str | None:
    """The fields of :func:`names_inside` in one string, null where there are none."""
    parts = (told.get(f"{_OF_CUSTOMER}first_name"), told.get(f"{_OF_CUSTOMER}last_name"))
    return " ".join(part for part in parts if part) or None


def _change(body: Body, at: int) -> Change:
    customer_id = identifier(body.get("id"), "customer.id")
    told = _facts(fields(body, _READERS))
    personal = _facts(fields(body, _PERSONAL))
    told_at = (
        moment(body.get("updated_at"), "customer.updated_at") or at or told.get("created_at") or 0
    )
    element = Element(
        layers=layer(told_at, filled(told), told),
        personal=join_layers(layer(told_at, filled(personal), personal), _consents(body)),
        people=[email_mark(email)] if (email := personal.get("email")) else [],
    )
    return Change("customer", customer_id, element)


def _consenting(body: Body, address: Any) -> Change:
    email = text(address)
    element = Element(personal=_consents(body), people=[email_mark(email)] if email else [])
    return Change("customer", _named(body, "customer_id", "id"), element)


def _consents(body: Body) -> Layers:
    """Consent has a time of its own, by which one word on it is newer than another."""
    found: Layers = []
    for kind, name in _CONSENTS:
        consent = mapping(body.get(name))
        state = text(consent.get("state")) if consent else None
        if state is None:
            continue
        at = moment(consent.get("consent_updated_at"), name)
        told: Fields = {f"{kind}_consent": state.lower(), f"{kind}_consent_at": at}
        found = join_layers(found, layer(at or 0, 0, told))
    return found


def _retagged(body: Body, *, added: bool) -> Change:
    """Each tag is a field of its own: of two words on one tag the later counts, whatever the order."""
    told: Fields = {
        f"{_TAG}{tag.casefold()}": tag if added else None for tag in _words(body.get("tags"))
    }
    at = moment(body.get("occurredAt"), "occurredAt") or 0
    element = Element(personal=layer(at, int(added), told))
    return Change("customer", _named(body, "customerId", "customer_id"), element)


def _words(value: Any) -> list[str]:
    """Tags as an array of strings, as their list with commas, or as objects that have a ``tag``."""
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):  # pyright: ignore[reportUnknownVariableType]
        return as_list([one.get("tag") for one in objects(value, "tags")], "tags")
    return as_list(value, "tags")


def _tags(personal: Layers) -> list[str]:
    """The newest list of all tags, as changed by what was added and removed at or after its time."""
    base = next((one for one in personal if "tags" in one.fields), None)
    told: dict[str, str] = (
        {} if base is None else {tag.casefold(): tag for tag in base.fields["tags"]}
    )
    for one in personal:
        if base is not None and one.at < base.at:
            break  # newest first: the list knew of all that follows
        for name, tag in one.fields.items():
            if name.startswith(_TAG):
                told.pop(name.removeprefix(_TAG), None)
                if tag is not None:
                    told[name.removeprefix(_TAG)] = tag
    return sorted(told.values())


def _facts(told: Fields) -> Fields:
    """Without the fields of which null says that they are not told, rather than that there is none."""
    for name in _NEVER_NULL:
        if name in told and told[name] is None:
            del told[name]
    return told


def _named(body: Body, *names: str) -> int:
    """The id under the first of these names that the body has."""
    found = next((name for name in names if body.get(name) is not None), names[0])
    return identifier(body.get(found), found)


def _money(value: Any, name: str) -> int | None:
    return None if value is None else money(value, name)


def _list(value: Any, name: str) -> list[str] | None:
    return None if value is None else as_list(value, name)


_OF_CUSTOMER: Final = "customer_"
_INTO: Final = "into:"
_TAG: Final = "tag:"
_UNMERGED: Final = frozenset({"failed", "in_progress", "requested"})
"""https://shopify.dev/docs/api/admin-graphql/latest/enums/CustomerMergeRequestStatus"""

_NEVER_NULL: Final = frozenset({"orders_count_told", "amount_spent_told", "currency", "tags"})

_CONSENTS: Final = (("email", "email_marketing_consent"), ("sms", "sms_marketing_consent"))

_READERS: Final[Readers] = {
    **named(moment, "created_at"),
    **named(as_count, orders_count="orders_count_told"),
    **named(_money, total_spent="amount_spent_told"),
    **named(as_text, "currency"),
}
_PERSONAL: Final[Readers] = {
    **named(as_text, "email", "first_name", "last_name", "phone", state="account_state"),
    **named(_list, "tags"),
}
_SUMMARY: Final[Readers] = named(as_count, numberOfOrders="orders_count_told")
