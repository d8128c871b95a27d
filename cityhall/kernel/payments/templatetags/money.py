"""Amounts on pages: `{{ bill.amount|money:bill.unit }}`."""

from django import template

from cityhall.kernel.payments.money import money_text

register = template.Library()


@register.filter
def money(amount: int, unit: str) -> str:
    """See `money_text`; nothing for no amount."""
    return money_text(amount, unit) if isinstance(amount, int) else ""
