"""A city that only weighs, killed while it does: whether what is told of it is found, with a defect and without."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from cityhall.simulator.visits import Visit, connector
from tests.e2e.conftest import ROOT
from tests.faults import weighings
from tests.faults.ledger import Ledger
from tests.faults.people import Crowd
from tests.faults.town import PASSWORD, SLUG, Town
from tests.samples import city_toml

MUTANTS = Path(__file__).with_name("mutants")
KILL_EVERY_S = 1.5


@dataclass
class Depot(Town):
    """Has recycling and nothing else."""

    def make(self, poles: int = 0) -> None:
        """Makes the city, its crew and its cards. Raises RuntimeError."""
        self.folder.mkdir(parents=True)
        options = '[service.recycling]\nfile = "recycling.toml"\n'
        (self.folder / "city.toml").write_text(f"{city_toml(SLUG, 'recycling')}\n{options}")
        (self.folder / "recycling.toml").write_text(weighings.FILE)
        self.command("load")
        code = f"{weighings.people(PASSWORD)}import json\nprint(json.dumps(cards))\n\n"
        self.cards = json.loads(self.command("manage", code=code).splitlines()[-1])

    def with_defect(self, name: str) -> None:
        """From its next start on its processes have a defect of mutants/; none for ""."""
        self.environment = (
            {"PYTHONPATH": f"{MUTANTS}{os.pathsep}{ROOT}", "CITYHALL_FAULTS_MUTANT": name} if name else {}
        )


def weighed(depot: Depot, ledger: Ledger, kills: int, seed: int) -> list[str]:
    """What is wrong after a while of weighing, in which the processes of its pages were killed so often."""
    chance = random.Random(seed)
    with depot.running():
        crowd = Crowd(depot, ledger, rate=20)
        connect = connector(depot.address)
        visits = [Visit(connect(number)) for number in range(2)]
        weighing = threading.Thread(target=crowd.weighings, args=(visits,), daemon=True)
        weighing.start()
        while not ledger.count("weighing"):
            time.sleep(0.1)
        for _kill in range(kills):
            time.sleep(chance.uniform(0.5, 1.5) * KILL_EVERY_S)
            _kill_workers(depot)
            depot.wait("ok", 60)
        crowd.stop.set()
        weighing.join(60)
        with depot.owner() as look:
            return weighings.each_once(look, ledger, depot.cards)[1] + ledger.wrong


def _kill_workers(depot: Depot) -> None:
    """Kills what answers pages: the forks of the web's first process, or that one where it has none."""
    web = depot.parts().get("web", [])
    numbers = {process.pid for process in web}
    with suppress(psutil.Error):
        forks = [process for process in web if process.ppid() in numbers]
        for process in forks or web:
            process.kill()
