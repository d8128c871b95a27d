"""Files that no piece needs: of transactions that were rolled back, of pieces whose eraser was killed."""

from __future__ import annotations

import time
from pathlib import Path
from uuid import UUID

from django.conf import settings

from cityhall.kernel.evidence.models import Seal
from cityhall.kernel.evidence.sealing import FOLDER

ORPHAN_SECONDS = 86_400


def sweep() -> int:
    """Removes those older than a day; gives how many. A file that a piece needs is never among them."""
    removed = 0
    for path in (Path(settings.CITY_FOLDER) / FOLDER).glob("??/*"):
        try:
            uid: UUID | None = UUID(hex=path.name.removesuffix(".sealed"))
        except ValueError:
            # What was being written when its process was killed.
            uid = None
        # Both are the machine's time.
        old = time.time() - path.stat().st_mtime > ORPHAN_SECONDS  # noqa: TID251
        if old and not (uid and Seal.objects.filter(evidence__uid=uid).exists()):
            path.unlink(missing_ok=True)
            removed += 1
    return removed
