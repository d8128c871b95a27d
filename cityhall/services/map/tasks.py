"""Jobs of the worker."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import orjson
from django.conf import settings
from django.db import close_old_connections
from django.utils import timezone
from django.utils.translation import override
from procrastinate.contrib.django import app

from cityhall.kernel.errors import CityhallError
from cityhall.services.map.models import Dataset, DatasetFeature, DatasetVersion, SavedView

log = logging.getLogger(__name__)
UNREAD = (DatasetVersion.State.WAITING, DatasetVersion.State.READING)
RESTORABLE = timedelta(days=30)


# One at a time, and those that wait hold no worker: others' jobs go on beside whatever is being read.
@app.task(name="map.import_dataset", lock="map.import_dataset")
def import_dataset(version_id: int, language: str = "") -> None:
    """Reads a version that waits, from its file or from another server; its faults are told in `language`.

    One that is being read was left by a worker that died: it is read from the beginning.
    """
    try:
        version = DatasetVersion.objects.filter(pk=version_id, state__in=UNREAD).first()
        if version is not None:
            DatasetFeature.objects.filter(version=version).delete()
            with override(language or settings.LANGUAGE_CODE):
                run(version)
    finally:
        close_old_connections()


def run(version: DatasetVersion) -> None:
    """Reads a version; its file is not needed afterwards."""
    # Every process of a city loads this module, each command too, and few of them ever read a data set.
    from cityhall.services.map.datasets import actions
    from cityhall.services.map.datasets.importing import import_version

    path = actions.folder() / (version.file or f"{version.pk}.fetched")
    try:
        if not version.file:
            _bring(version, path)
        import_version(version, path, version.source if version.file else "fetched.geojson")
    except CityhallError as problem:
        version.state = DatasetVersion.State.FAILED
        version.problems = [{"row": 0, "field": "", "what": str(problem)}]
        version.save(update_fields=["state", "problems"])
    except Exception:
        log.exception("version %s could not be read", version.pk)
    finally:
        path.unlink(missing_ok=True)
    actions.read(version)


def _bring(version: DatasetVersion, path: Path) -> None:
    """Another server's features as a file like any other."""
    from cityhall.services.map.datasets.outside import features_of

    path.write_bytes(orjson.dumps({"type": "FeatureCollection", "features": features_of(version.source)}))


def forget_deleted() -> None:
    """Removes for good what was deleted over RESTORABLE ago (manifest `Task`)."""
    for kind in (Dataset, SavedView):
        kind._default_manager.filter(deleted_at__lt=timezone.now() - RESTORABLE).delete()
