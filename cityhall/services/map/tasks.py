"""Jobs of the worker."""

from __future__ import annotations

import logging
import shutil
import time
from datetime import timedelta
from pathlib import Path

import orjson
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.utils import timezone
from django.utils.translation import override
from procrastinate import RetryStrategy

from cityhall.kernel.errors import CityhallError
from cityhall.kernel.work.jobs import job
from cityhall.services.map.models import Dataset, DatasetFeature, DatasetVersion, SavedView

log = logging.getLogger(__name__)
UNREAD = (DatasetVersion.State.WAITING, DatasetVersion.State.READING)
RESTORABLE = timedelta(days=30)
LEFT_S = 7 * 86_400
"""So long no upload waits to be read."""


# One at a time, and those that wait hold no worker: others' jobs go on beside whatever is being read.
@job(
    "map.import_dataset",
    twice=True,
    lock="map.import_dataset",
    retry=RetryStrategy(max_attempts=8, exponential_wait=3, retry_exceptions=[OperationalError, InterfaceError]),
)
def import_dataset(version_id: int, language: str = "") -> None:
    """Reads a version that waits, from its file or from another server; its faults are told in `language`.

    One that is being read was left by a worker that died: it is read from the beginning.
    """
    version = DatasetVersion.objects.filter(pk=version_id).first()
    if version is not None and version.state in UNREAD:
        DatasetFeature.objects.filter(version=version).delete()
        with override(language or settings.LANGUAGE_CODE):
            run(version)
    elif version is not None:
        _file(version).unlink(missing_ok=True)


def run(version: DatasetVersion) -> None:
    """Reads a version; its file is not needed afterwards. Raises Django's errors where the database is away."""
    # Every process of a city loads this module, each command too, and few of them ever read a data set.
    from cityhall.services.map.datasets import actions
    from cityhall.services.map.datasets.importing import import_version

    path = _file(version)
    try:
        if not version.file:
            _bring(version, path)
        import_version(version, path, version.source if version.file else "fetched.geojson")
    except CityhallError as problem:
        version.state = DatasetVersion.State.FAILED
        version.problems = [{"row": 0, "field": "", "what": str(problem)}]
    except (OperationalError, InterfaceError):
        # Not the file's doing, which is needed still.
        raise
    except Exception:
        log.exception("version %s could not be read", version.pk)
        version.state = DatasetVersion.State.FAILED
    actions.read(version)
    path.unlink(missing_ok=True)


def _file(version: DatasetVersion) -> Path:
    from cityhall.services.map.datasets import actions

    return actions.folder() / (version.file or f"{version.pk}.fetched")


def _bring(version: DatasetVersion, path: Path) -> None:
    """Another server's features as a file like any other."""
    from cityhall.services.map.datasets.outside import features_of

    path.write_bytes(orjson.dumps({"type": "FeatureCollection", "features": features_of(version.source)}))


def forget_deleted() -> None:
    """Removes for good what was deleted over RESTORABLE ago, and files that a killed reader left (manifest `Task`)."""
    from cityhall.services.map.datasets import actions

    for left in actions.folder().iterdir():
        # Both are the machine's time.
        if time.time() - left.stat().st_mtime > LEFT_S:  # noqa: TID251
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
    for kind in (Dataset, SavedView):
        kind._default_manager.filter(deleted_at__lt=timezone.now() - RESTORABLE).delete()
