"""The payment providers' door. It believes signatures and nothing else: no session, no token, no address."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from ninja import Path, Router, Schema

from cityhall.kernel.errors import CityhallError, Denied, Invalid, TooMany
from cityhall.kernel.limits.sources import source_of
from cityhall.kernel.limits.spending import spend
from cityhall.kernel.payments import hooks, providers
from cityhall.kernel.payments.providers import Refused

router = Router()
REFUSALS_A_MINUTE = 120


class HookTaken(Schema):
    """How many messages were new."""

    taken: int


@router.post("/hooks/{provider}", response=HookTaken, summary="Take a payment provider's signed message")
def take(request: HttpRequest, provider: Annotated[str, Path(max_length=50)]) -> dict[str, int]:
    """The body is the provider's own, signed as it signs (Stripe: `Stripe-Signature`).

    One that was here before is answered 200 and changes nothing. Answers 403 for a signature that is not the provider's
    or too old, 404 for a provider the city does not have, 422 for what cannot be read, 429 over 256 KiB and for too
    many refused ones from one address.
    """
    by = providers.provider(provider)
    length = request.headers.get("Content-Length", "")
    if (length.isdigit() and int(length) > hooks.LONGEST) or len(request.body) > hooks.LONGEST:
        hooks.count(by.slug, "oversize")
        raise TooMany(_("This message is too large."), code="oversize")
    try:
        return {"taken": hooks.take(by.slug, request.body, request.headers)}
    except Refused as refused:
        spend("payments.hook", source_of(request), REFUSALS_A_MINUTE, 60)
        raise _refusal(refused.reason) from None


def _refusal(reason: str) -> CityhallError:
    if reason == "malformed":
        return Invalid(_("This message cannot be read."), code=reason)
    return Denied(_("The signature is not the provider's, or too old."), code=reason)
