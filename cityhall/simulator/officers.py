"""Officers and crews who work on reports, by the desk's own pages: they sign in like anybody who works for the city.

An officer takes up what is new with their agency: puts right what is in the wrong category, gives on what is another
agency's, asks the resident, refuses, or accepts. A crew goes its round and leaves a photo. What becomes of a report is
drawn from the seed and its number, so it does not depend on who looks first; some are left lying until they are late.
"""

from __future__ import annotations

import logging
import re
import threading
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np

from cityhall.simulator.pictures import photo
from cityhall.simulator.reporters import ANOTHER
from cityhall.simulator.residents import SPOKEN
from cityhall.simulator.visits import Connect, Visit, connector

log = logging.getLogger("cityhall.simulator")
PAUSE_S = 9.0
"""From what one of them does to what the next one does, at speed 1."""
FIRST_DESK = 20_000
"""Their homes' numbers, beyond the residents'."""
LEFT_LYING, REFUSED, ASKED, GIVEN_ON = 0.12, 0.04, 0.18, 0.10
"""Shares of reports that each happens to."""
SURE = 0.6
"""Share of certainty from which an officer thinks that a text is of another category."""
LOOKS_AT_LATE, BEFORE_PHOTO = 0.15, 0.4
DESK, FIELD = "/reports/desk/points/desk.geojson", "/reports/desk/points/field.geojson"
QUESTIONS = {
    "en": "Where exactly is it? Please tell us the nearest house number.",
    "pt": "Onde fica exatamente? Diga-nos, por favor, o número da casa mais próxima.",
    "es": "¿Dónde está exactamente? Díganos, por favor, el número de la casa más cercana.",
    "ko": "정확히 어디인가요? 가장 가까운 번지를 알려 주세요.",
}
REFUSALS = {
    "en": "Our crew was there and found nothing. Please report it again with a photo.",
    "pt": "A nossa equipe esteve lá e não encontrou nada. Por favor, informe de novo com uma foto.",
    "es": "Nuestro equipo estuvo allí y no encontró nada. Por favor, avise de nuevo con una foto.",
    "ko": "현장에 가 보았지만 찾지 못했습니다. 사진과 함께 다시 신고해 주세요.",
}
OTHERS = {
    "en": "By what is written, this is another matter than was chosen.",
    "pt": "Pelo que está escrito, trata-se de outro assunto.",
    "es": "Por lo que está escrito, se trata de otro asunto.",
    "ko": "내용을 보니 다른 분야의 일입니다.",
}
REASONS = {
    "water": {
        "en": "A broken pipe below washes the ground away: it must be mended first.",
        "pt": "Um cano quebrado embaixo leva a terra: precisa ser consertado primeiro.",
        "es": "Una tubería rota se lleva la tierra: hay que repararla primero.",
        "ko": "아래 수도관이 새서 땅이 파이고 있어 먼저 고쳐야 합니다.",
    },
    "parks": {
        "en": "The branches hide it: they must be cut back.",
        "pt": "Os galhos encobrem: precisam ser podados.",
        "es": "Las ramas lo tapan: hay que podarlas.",
        "ko": "가지에 가려져 있어 먼저 잘라야 합니다.",
    },
    "order": {
        "en": "Somebody left papers with a name in it: Public Order looks for them.",
        "pt": "Há papéis com um nome: a Ordem Pública vai procurar a pessoa.",
        "es": "Hay papeles con un nombre: Orden Público buscará a la persona.",
        "ko": "이름이 적힌 서류가 있어 질서 담당 부서가 확인합니다.",
    },
    "public-works": {
        "en": "The trunk has lifted the pavement: Public Works mends it.",
        "pt": "O tronco levantou a calçada: Obras Públicas conserta.",
        "es": "El tronco levantó la acera: Obras Públicas la repara.",
        "ko": "나무 때문에 보도가 들려 공공사업 부서가 고칩니다.",
    },
}
BELONGS = {"pothole": "water", "streetlight": "parks", "dumping": "order", "tree": "public-works"}
"""Whose a report may turn out to be, by its category; why stands in REASONS."""
DONE = {
    "en": "It is done. Thank you for telling us.",
    "pt": "Está feito. Obrigado por avisar.",
    "es": "Está hecho. Gracias por avisar.",
    "ko": "처리했습니다. 알려 주셔서 고맙습니다.",
}


@dataclass(slots=True)
class Worker:
    """Somebody who works for an agency: `crew` goes round in the streets, the others sit at a desk."""

    email: str
    crew: bool
    visit: Visit | None = None


@dataclass
class Officers:
    """All who work on reports. One `step` is one thing that one of them does."""

    connect: Connect
    people: list[Worker]
    password: str
    seed: int = 4
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng([self.seed, 2])

    def step(self) -> str:
        """Has one of them do something; returns what was done, "" where there was nothing to do."""
        place = int(self.rng.integers(len(self.people)))
        worker = self.people[place]
        if worker.visit is None:
            visit = Visit(self.connect(FIRST_DESK + place))
            visit.sign_in(worker.email, self.password)
            worker.visit = visit
        try:
            return self._crew(worker.visit) if worker.crew else self._desk(worker.visit)
        except httpx.HTTPStatusError:
            # Signed out, or somebody else was quicker.
            worker.visit = None
            raise

    def fate(self, number: int) -> np.random.Generator:
        """What becomes of a report: draws that are always the same for its number."""
        return np.random.default_rng([self.seed, number])

    def _listed(self, visit: Visit, path: str, **query: str) -> list[int]:
        answer = visit.get(path, **query).raise_for_status()
        return [feature["properties"]["id"] for feature in answer.json()["features"]]

    def _desk(self, visit: Visit) -> str:
        if self.rng.random() < LOOKS_AT_LATE:
            late = self._listed(visit, DESK, state="new", light="red")
            if late:
                return self._act(visit, late[0], "accept", "")
        for number in self._listed(visit, DESK, state="new"):
            fate = self.fate(number)
            if fate.random() >= LEFT_LYING:
                return self._take_up(visit, number, fate)
        return ""

    def _take_up(self, visit: Visit, number: int, fate: np.random.Generator) -> str:
        language, report = self._read(visit, number)
        text, category, draw = report.get("text", ""), report.get("category", ""), fate.random()
        better = self._better(visit, text, category)
        if better:
            return self._post(visit, number, "recategorise", {"category": better, "reason": OTHERS[language]})
        if draw < REFUSED:
            return self._act(visit, number, "reject", REFUSALS[language])
        if draw < REFUSED + ASKED:
            return self._act(visit, number, "ask", QUESTIONS[language])
        agency = BELONGS.get(category, "")
        if draw < REFUSED + ASKED + GIVEN_ON and agency and agency != report.get("agency"):
            return self._post(visit, number, "reroute", {"agency": agency, "reason": REASONS[agency][language]})
        return self._act(visit, number, "accept", "")

    def _read(self, visit: Visit, number: int) -> tuple[str, dict[str, Any]]:
        """The language of the resident's words, and the report as everybody may read it: nothing of a hidden one."""
        page = visit.get(f"/reports/desk/{number}/").raise_for_status().text
        said = re.search(r'class="said" dir="auto" lang="(\w\w)', page)
        answer = visit.get(f"/api/reports/{number}")
        language = said.group(1) if said and said.group(1) in QUESTIONS else "en"
        return language, answer.json() if answer.is_success else {}

    def _better(self, visit: Visit, text: str, category: str) -> str:
        """The category that a text is of, where it is clearly another one than was chosen; "" else."""
        if not text or category not in (*SPOKEN, *ANOTHER.values()):
            return ""
        found = visit.get("/api/reports/suggest", text=text[:500]).raise_for_status().json()
        if not found or found[0]["share"] < SURE or found[0]["category"] in (category, "other"):
            return ""
        return str(found[0]["category"])

    def _crew(self, visit: Visit) -> str:
        numbers = self._listed(visit, FIELD)
        if not numbers:
            return ""
        number = int(self.rng.choice(numbers[:3]))
        language, report = self._read(visit, number)
        category = report.get("category", "")
        if report.get("state") == "accepted":
            if category in SPOKEN and self.rng.random() < BEFORE_PHOTO:
                self._photo(visit, number, category, "before")
            return self._act(visit, number, "start", "")
        if category in SPOKEN:
            self._photo(visit, number, category, "after")
        return self._act(visit, number, "resolve", DONE[language])

    def _photo(self, visit: Visit, number: int, category: str, kind: str) -> None:
        picture = photo(category, mended=kind == "after", rng=self.rng)
        files = {"photo": ("crew.jpg", picture, "image/jpeg")}
        visit.post(f"/reports/desk/{number}/photo/", {"kind": kind}, files)

    def _act(self, visit: Visit, number: int, step: str, reason: str) -> str:
        return self._post(visit, number, "step", {"step": step, "reason": reason}, step)

    def _post(self, visit: Visit, number: int, door: str, values: dict[str, str], what: str = "") -> str:
        visit.post(f"/reports/desk/{number}/{door}/", values)
        return what or door


def live(address: str, stop: threading.Event, *, seed: int, speed: float, people: list[Worker], password: str) -> None:
    """Lets officers and crews work until `stop` is set; waits where the city is not there."""
    officers = Officers(connector(address), people, password, seed)
    while people and not stop.wait(PAUSE_S / speed):
        try:
            officers.step()
        except (httpx.HTTPError, ValueError) as problem:
            log.debug("officers wait: %r", problem)
