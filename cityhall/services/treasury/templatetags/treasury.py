"""How the treasurer's pages write amounts, and what accounts and movements are called."""

from __future__ import annotations

from django import template

from cityhall.kernel.ledger.models import Kind
from cityhall.services.treasury.amounts import shown

register = template.Library()


@register.filter
def amount(value: int, unit: str) -> str:
    """An amount in the unit's smallest part, as the reader's language writes it."""
    return shown(value, unit)


@register.filter
def kind_name(kind: str) -> str:
    """The kind of an account in words."""
    return str(Kind(kind).label)


@register.filter
def negated(value: int) -> int:
    return -value
