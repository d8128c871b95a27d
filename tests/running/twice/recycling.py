"""Scenes of the jobs of recycling."""

from __future__ import annotations

from typing import Any

from tests.running.twice.scenes import Stage, scene
from tests.services.recycling.planting import officers, photographed, season


@scene("recycling.signals")
def scale_that_drifts(stage: Stage) -> dict[str, Any]:
    officers()
    season(drift=0.3)
    photographed(twice=True)
    return {}
