"""Data sets as layers like all others."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import models
from django.db.models import Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, NullIf

from cityhall.kernel.places.declares import Layer
from cityhall.kernel.reference import Reference
from cityhall.services.map.datasets.moments import as_moment
from cityhall.services.map.models import Dataset, DatasetFeature, DatasetVersion

COLOR = "#8a4bb0"
TYPES: dict[str, models.Field[Any, Any]] = {
    "int": models.BigIntegerField(),
    "float": models.FloatField(),
    "bool": models.BooleanField(),
}


def _layers() -> tuple[Layer, ...]:
    return tuple(_layer(dataset) for dataset in _shown())


layers = Reference(_layers)
"""A layer of each data set that has a version to show; one not published is for its publishers."""


def _shown() -> models.QuerySet[Dataset]:
    ready = Dataset.objects.filter(deleted_at=None, version__state=DatasetVersion.State.READY)
    return ready.select_related("version")


def _layer(dataset: Dataset) -> Layer:
    version = dataset.version
    assert version is not None
    public = [one for one in version.fields if one["public"]]
    names = tuple(one["name"] for one in public)
    point = version.kind == DatasetVersion.Kind.POINT
    style = dataset.style
    when = next((one["name"] for one in public if one.get("when")), "")
    return Layer(
        slug=dataset.slug,
        name=dataset.name,
        kind=version.kind,  # type: ignore[arg-type]
        source="" if point else partial(_shapes, version.pk),
        query=partial(_rows, version.pk, public) if point else "",
        columns={name: f"field_{at}" for at, name in enumerate(names)} if point else {},
        public_fields=names,
        color=style.get("color") or COLOR,
        permission="" if dataset.published else "map.publish_dataset",
        summary=dataset.summary,
        licence=dataset.licence,
        style=style,
        time="moment" if when and point else when,
        stamp=f"{version.pk}:{when}:{','.join(names)}",
    )


def _rows(version: int, fields: list[dict[str, Any]]) -> models.QuerySet[DatasetFeature]:
    """The version's points, each public field as a column of its own type; `moment` says when, where a field does."""
    columns: dict[str, Any] = {}
    for at, one in enumerate(fields):
        text = KeyTextTransform(one["name"], "properties")
        kind = TYPES.get(one["type"])
        columns[f"field_{at}"] = Cast(NullIf(text, Value("")), kind) if kind else text
        if one.get("when"):
            columns["moment"] = as_moment(text)
    return DatasetFeature.objects.filter(version_id=version).annotate(**columns)


def _shapes(version: int, bounds: tuple[float, float, float, float] | None) -> dict[str, Any]:
    rows = DatasetFeature.objects.filter(version_id=version).order_by("pk")
    return {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "id": pk, "geometry": geometry, "properties": properties}
            for pk, geometry, properties in rows.values_list("pk", "geometry", "properties")
        ],
    }
