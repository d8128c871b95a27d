"""The only writers of data sets and outside maps."""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cityhall.kernel.errors import Conflict, Invalid, Missing
from cityhall.kernel.journal import append
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import require
from cityhall.services.map.datasets import limits, pictures
from cityhall.services.map.datasets.outside import checked_address
from cityhall.services.map.datasets.published import layers
from cityhall.services.map.models import Dataset, DatasetVersion, OutsideMap
from cityhall.services.map.reading import look_again

PERMISSION = "map.publish_dataset"
KEPT = 5
"""Versions of a data set that are kept to go back to."""
STUCK = timedelta(hours=1)
State = DatasetVersion.State


class Upload(Protocol):
    """Django's uploaded files and Python's open ones."""

    def read(self, size: int = ..., /) -> bytes: ...


def _note(actor: Actor, kind: str, dataset: Dataset, data: dict[str, Any] | None = None) -> None:
    # By its number: its name, and so its address, are somebody's words.
    append("map", f"dataset.{kind}", data or {}, subject=f"dataset:{dataset.pk}", actor=str(actor))
    layers.changed()
    transaction.on_commit(look_again)


def find(actor: Actor, slug: str, *, deleted: bool = False) -> Dataset:
    """A data set to work on. Raises Denied for who may not, Missing where there is none."""
    require(actor, PERMISSION)
    dataset = Dataset.objects.filter(slug=slug).select_related("version").first()
    if dataset is None or bool(dataset.deleted_at) != deleted:
        raise Missing(_("There is no such data set."))
    return dataset


@transaction.atomic
def create(actor: Actor, name: str, summary: str = "") -> Dataset:
    """A data set with nothing in it yet. Raises Denied, Invalid."""
    require(actor, PERMISSION)
    name = " ".join(name.split())
    if not 0 < len(name) <= 100:
        raise Invalid(_("A data set needs a name of at most 100 letters."), field="name")
    base = slugify(name)[:50] or "data"
    taken = set(Dataset.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    slug = base if base not in taken else next(s for n in range(2, 10_000) if (s := f"{base}-{n}") not in taken)
    dataset = Dataset.objects.create(slug=slug, name=name, summary=summary[:300], owner_id=actor.person_id)
    _note(actor, "made", dataset)
    return dataset


def folder() -> Path:
    """Where uploads wait to be read."""
    made = Path(settings.MEDIA_ROOT) / "datasets"
    made.mkdir(parents=True, exist_ok=True)
    return made


@transaction.atomic
def upload(actor: Actor, slug: str, file: Upload, name: str, *, lenient: bool = False) -> DatasetVersion:
    """Takes a file as the data set's next version; the worker reads it. Raises Denied, Missing, TooMany, Conflict."""
    dataset = find(actor, slug)
    version = _next(dataset, PurePosixPath(name.replace("\\", "/")).name[-200:], lenient)
    path = folder() / uuid.uuid4().hex
    try:
        with path.open("wb") as target:
            while piece := file.read(1 << 20):
                target.write(piece)
                if target.tell() > limits.FILE_BYTES:
                    raise limits.too_large(_("bytes"), limits.FILE_BYTES)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    version.file = path.name
    version.save()
    _note(actor, "uploaded", dataset, {"version": version.number, "bytes": path.stat().st_size})
    _read_later(version)
    return version


@transaction.atomic
def take_from(actor: Actor, slug: str, url: str, *, lenient: bool = False) -> DatasetVersion:
    """Takes another server's collection (OGC API - Features: the address of its items) as the next version."""
    dataset = find(actor, slug)
    checked_address(url)
    version = _next(dataset, url[:500], lenient)
    version.save()
    _note(actor, "asked_for", dataset, {"version": version.number})
    _read_later(version)
    return version


def _read_later(version: DatasetVersion) -> None:
    """Has the worker read a version; what is wrong in it is told in the language of whoever brought it."""
    from cityhall.services.map.tasks import import_dataset

    # With the version or not at all: one that nobody reads would shut its data set to others.
    import_dataset.defer(version_id=version.pk, language=get_language() or "")


def _next(dataset: Dataset, source: str, lenient: bool) -> DatasetVersion:
    Dataset.objects.select_for_update().get(pk=dataset.pk)
    # A worker that was killed while it read must not hold the data set for ever.
    now = timezone.now()
    lately = (now - STUCK, now + STUCK)
    if dataset.versions.filter(state__in=(State.WAITING, State.READING), made_at__range=lately).exists():
        raise Conflict(_("A file of this data set is being read."), mend=_("Wait until it is done."))
    newest = dataset.versions.first()
    return DatasetVersion(dataset=dataset, number=newest.number + 1 if newest else 1, source=source, lenient=lenient)


@transaction.atomic
def read(version: DatasetVersion) -> None:
    """After the worker has read a version: keeps how it went, shows it with the choices of before, lets old ones go."""
    dataset = Dataset.objects.select_for_update().get(pk=version.dataset_id)
    if version.state == State.READY:
        before = {one["name"]: one for one in (dataset.version.fields if dataset.version else [])}
        version.fields = [_as_before(one, before.get(one["name"])) for one in version.fields]
        dataset.version = version
    # All of it at once: one that is ready and was never shown would not be read again.
    version.save()
    dataset.save(update_fields=["version"])
    append(
        "map",
        f"dataset.{version.state}",
        {"version": version.number, "rows": version.rows, "problems": len(version.problems)},
        subject=f"dataset:{dataset.pk}",
        actor="system:map",
    )
    old = [one.pk for one in dataset.versions.all()[KEPT:] if one.pk != dataset.version_id]
    DatasetVersion.objects.filter(pk__in=old).delete()
    layers.changed()
    transaction.on_commit(look_again)


def _as_before(field: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any]:
    """A field with what was chosen for the one of its name in the version before."""
    if before is None:
        return field
    return field | {"public": before["public"], "when": bool(before.get("when")) and field["type"] == "time"}


@transaction.atomic
def show_version(actor: Actor, slug: str, number: int) -> Dataset:
    """Goes back (or forth) to a version that was read: undo. Raises Denied, Missing."""
    dataset = find(actor, slug)
    version = dataset.versions.filter(number=number, state=State.READY).first()
    if version is None:
        raise Missing(_("There is no such version."))
    dataset.version = version
    dataset.save(update_fields=["version"])
    _note(actor, "version_shown", dataset, {"version": number})
    return dataset


@transaction.atomic
def change(
    actor: Actor,
    slug: str,
    *,
    name: str | None = None,
    summary: str | None = None,
    licence: str | None = None,
    public: set[str] | None = None,
    when: str = "",
    style: dict[str, Any] | None = None,
) -> Dataset:
    """Changes what is told of a data set, which of its fields are public, and how it is drawn.

    With `public` goes `when`: the field of moments that the period reads, "" for none. Raises Denied, Missing, Invalid.
    """
    dataset = find(actor, slug)
    if name is not None:
        dataset.name = " ".join(name.split())[:100] or dataset.name
    if summary is not None:
        dataset.summary = summary.strip()[:300]
    if licence is not None:
        if licence and not licence.startswith(("https://", "http://")):
            raise Invalid(_("The licence is named by its address."), field="licence", mend="https://…")
        dataset.licence = licence[:200]
    if style is not None:
        dataset.style = style
    if public is not None and dataset.version is not None:
        version = dataset.version
        moments = {one["name"] for one in version.fields if one["type"] == "time"}
        if when and when not in moments & public:
            raise Invalid(_("Only a public field of moments can say when."), field="when")
        version.fields = [
            one | {"public": one["name"] in public, "when": one["name"] == when} for one in version.fields
        ]
        version.save(update_fields=["fields"])
    dataset.save()
    _note(actor, "changed", dataset, {"public": len(public) if public is not None else None})
    return dataset


@transaction.atomic
def publish(actor: Actor, slug: str, *, on: bool) -> Dataset:
    """Shows a data set to everybody, as open data too, or takes it back. Raises Conflict where nothing is to show."""
    dataset = find(actor, slug)
    if on and dataset.version is None:
        raise Conflict(_("There is nothing to show yet."), mend=_("Give it a file first."))
    dataset.published = on
    dataset.save(update_fields=["published"])
    _note(actor, "published" if on else "withdrawn", dataset)
    return dataset


@transaction.atomic
def delete(actor: Actor, slug: str) -> Dataset:
    """Takes a data set off the map. Its rows are kept a month, so that it can be restored."""
    dataset = find(actor, slug)
    dataset.deleted_at, dataset.published = timezone.now(), False
    dataset.save(update_fields=["deleted_at", "published"])
    _note(actor, "deleted", dataset)
    return dataset


@transaction.atomic
def restore(actor: Actor, slug: str) -> Dataset:
    """Brings a deleted data set back, not published. Raises Missing once it is gone for good."""
    dataset = find(actor, slug, deleted=True)
    dataset.deleted_at = None
    dataset.save(update_fields=["deleted_at"])
    _note(actor, "restored", dataset)
    return dataset


def add_outside(actor: Actor, *, name: str, kind: str, url: str, layer: str, attribution: str) -> OutsideMap:
    """Another server's pictures as a layer. Its server is asked from here first. Raises Denied, Invalid, TooMany."""
    require(actor, PERMISSION)
    name, url, attribution = " ".join(name.split())[:100], url.strip(), " ".join(attribution.split())[:200]
    if kind not in OutsideMap.Kind.values or not name or not attribution:
        raise Invalid(_("A name, a kind and whose map it is are needed."), field="name")
    if len(url) > 500:
        raise Invalid(_("The address is too long."), field="url")
    made = OutsideMap(name=name, kind=kind, url=url, attribution=attribution)
    if kind == OutsideMap.Kind.XYZ:
        if not all(part in url for part in ("{z}", "{x}", "{y}")) or "{s}" in url:
            raise Invalid(
                _("An XYZ address has {z}, {x} and {y} in it."),
                field="url",
                mend=_("Where another has {s}, write the name of one server."),
            )
    else:
        service = pictures.read_wms(url)
        if layer not in dict(service.layers):
            raise Invalid(_("This WMS has no such layer."), field="layer", mend=_("Choose one of those it has."))
        made.url, made.version, made.format, made.layer = service.url, service.version, service.format, layer
    pictures.check(made)
    with transaction.atomic():
        made.save()
        append("map", "outside.added", {"kind": kind}, subject=f"outside:{made.pk}", actor=str(actor))
    return made


@transaction.atomic
def remove_outside(actor: Actor, pk: int) -> None:
    """Takes another server's map away. Raises Denied, Missing."""
    require(actor, PERMISSION)
    found = OutsideMap.objects.filter(pk=pk).first()
    if found is None:
        raise Missing(_("There is no such map."))
    append("map", "outside.removed", {}, subject=f"outside:{pk}", actor=str(actor))
    found.delete()
