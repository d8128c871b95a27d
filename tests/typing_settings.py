"""Settings for the type checker's Django plugin: a city's file, and no server, which it would not stop."""

import os
import tempfile
from pathlib import Path

from tests.testville import CITY_TOML

_folder = Path(tempfile.gettempdir()) / "cityhall-typing"
_folder.mkdir(exist_ok=True)
(_folder / "city.toml").write_text(CITY_TOML)
os.environ["CITYHALL_CITY"] = str(_folder)

from cityhall.settings import *  # noqa: E402, F403
