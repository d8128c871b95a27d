"""The doors' fixtures are the kernel's."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from tests.kernel.vehicles.conftest import counted, quick, taken

__all__ = ["counted", "quick", "taken"]


@pytest.fixture
def configure(settings: Any) -> Callable[..., None]:
    """Sets `[service.transit]` of city.toml."""

    def set_options(**table: Any) -> None:
        settings.CITY = dataclasses.replace(settings.CITY, options={"transit": table})

    return set_options
