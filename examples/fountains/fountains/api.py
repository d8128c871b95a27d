"""HTTP API."""

from django.http import HttpRequest
from ninja import Router, Schema

from cityhall.kernel.people.actors import actor_of
from fountains import actions
from fountains.models import Fountain

router = Router()


class FountainOut(Schema):
    """A fountain."""

    id: int
    name: str
    works: bool


@router.get("/", response=list[FountainOut], summary="Every fountain")
def fountains(request: HttpRequest) -> list[Fountain]:
    """By name."""
    return list(Fountain.objects.order_by("name"))


@router.post("/{int:fountain_id}/broken", response=FountainOut, summary="Say that one is broken")
def broken(request: HttpRequest, fountain_id: int) -> Fountain:
    """Anybody may."""
    return actions.report_broken(actor_of(request), fountain_id)
