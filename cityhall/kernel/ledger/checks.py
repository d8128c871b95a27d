"""What `cityhall check` says of the books."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone

from cityhall.kernel.ledger.models import Posting, Proof

LATE = timedelta(days=2)


def findings() -> Iterator[tuple[str, str, str]]:
    """Whether the last proof was right, and is not long ago."""
    last = Proof.objects.order_by("-pk").first()
    if last is None:
        if Posting.objects.filter(at__lt=timezone.now() - LATE).exists():
            yield "warning", "the books were never proved", "See that the worker runs (cityhall up)."
        return
    if last.faults:
        what = f"the books do not sum to zero: {last.faults} faults on {last.at:%Y-%m-%d}"
        yield "error", what, "Pay nothing out, and look at the treasurer's page and the journal from that day back."
    elif last.at < timezone.now() - LATE:
        yield "warning", f"the books were last proved on {last.at:%Y-%m-%d}", "See that the worker runs (cityhall up)."
    else:
        yield "ok", f"the books sum to zero ({last.at:%Y-%m-%d})", ""
