"""Who uses the city meanwhile: residents, poles, officers and writers of letters. Each tries again until it is told."""

from __future__ import annotations

import email.utils
import io
import random
import re
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from functools import partial

import httpx
import numpy as np
from PIL import Image

from cityhall.simulator.signing import Signer
from cityhall.simulator.visits import Connect, Visit, connector
from tests.faults.ledger import Ledger
from tests.faults.town import AUTHOR, COAST, DESK, LETTERS, PASSWORD, RELEASER, Town
from tests.faults.weighings import CREW, Telephones

AGAIN_S = 0.25
PATIENCE_S = 180.0
"""How long somebody tries again to get an answer to one thing; longer than any outage may last."""
WITH_PHOTO = 100
"""One report of so many has a photo: looking at one takes a processor for a second or two."""
PLACE = {"lon": "-9.15", "lat": "38.75"}
ALARM = re.compile(r'id="alarm-(\d+)".*?action="(/lifeguards/desk/\d+/(answer|end)/)"', re.DOTALL)
WAY = re.compile(r"/safety/escort/way/([a-z0-9]{20})/$")
RELEASE = re.compile(r'action="/safety/warnings/(\d+)/release/"')
WARNING = {"category": "Safety", "urgency": "Immediate", "severity": "Minor", "certainty": "Observed", "hours": "6"}
LEFT = 3
"""One alarm of so many is left unanswered: its minute ends, and that is told."""


def photo(token: str, *, place: bool = False) -> bytes:
    """A picture that no other has, where nothing is a face; `place`: the camera wrote down where."""
    rng = np.random.default_rng(abs(hash(token)))
    picture = Image.fromarray(rng.integers(60, 200, (9, 12, 3), dtype=np.uint8)).resize((320, 240))
    exif, file = Image.Exif(), io.BytesIO()
    if place:
        exif.get_ifd(0x8825).update({1: "N", 2: (38.0, 45.0, 0.0), 3: "W", 4: (9.0, 9.0, 0.0)})
    picture.save(file, "JPEG", exif=exif)
    return file.getvalue()


@dataclass
class Crowd:
    """All of them, in threads; `stop` is heard between two things, and what is under way is brought to an end."""

    town: Town
    ledger: Ledger
    rate: float = 1.0
    """Filings a second of each resident; the others follow it."""
    stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self, residents: int = 3) -> None:
        """Lets them begin."""
        connect = connector(self.town.address)
        jobs: list[Callable[[], None]] = [
            *[lambda number=number: self._resident(connect(number)) for number in range(residents)],
            lambda: self._poles(connect(1000)),
            lambda: self._buttons(connect(1003)),
            lambda: self._telephones(connect(1004)),
            lambda: self._desk(Visit(connect(1001))),
            lambda: self._coast(Visit(connect(1002))),
            lambda: self._ways(connect),
            lambda: self._drafts(Visit(connect(1005))),
            lambda: self._releases(Visit(connect(1006))),
            lambda: self.weighings([Visit(connect(1007)), Visit(connect(1008))]),
            self._letters,
        ]
        self._threads = [threading.Thread(target=job, daemon=True) for job in jobs]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Waits until each has got the answer that it waits for."""
        self.stop.set()
        for thread in self._threads:
            thread.join(PATIENCE_S + 30)

    def _ask(self, what: str, ask: Callable[[], httpx.Response], yes: set[int]) -> httpx.Response | None:
        """Asks until the answer is one of `yes`; None after PATIENCE_S, or where it is refused for good."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            try:
                answer = ask()
            except httpx.HTTPError:
                self.ledger.answer(0)
            else:
                good, passing = answer.status_code in yes, answer.status_code in (429, 502, 503)
                wrong = not (good or passing)
                self.ledger.answer(answer.status_code, f"{what}: {answer.text[:200]}", wrong=wrong)
                if good:
                    return answer
                if not passing and answer.status_code != 500:
                    return None
            time.sleep(AGAIN_S)
        self.ledger.answer(0, f"{what}: no answer in {PATIENCE_S} s", wrong=True)
        return None

    def _resident(self, client: httpx.Client) -> None:
        number = 0
        while not self.stop.wait(1 / self.rate):
            number += 1
            self._file(client, str(uuid.uuid4()), with_photo=number % WITH_PHOTO == 1)

    def _file(self, client: httpx.Client, token: str, *, with_photo: bool) -> None:
        files = {"photos": ("a.jpg", photo(token), "image/jpeg")} if with_photo else None
        values = PLACE | {"category": "pothole", "text": f"A hole {token}", "key": token}
        self.ledger.tell("report", token)
        answer = self._ask("filing", lambda: client.post("/api/reports/", data=values, files=files), {200, 201})
        if answer is not None:
            self.ledger.acknowledge("report", token, str(answer.json()["link"]))

    def _poles(self, client: httpx.Client) -> None:
        """Each is pressed once: whoever presses again while somebody is called calls nobody else."""
        while self.town.poles and not self.stop.wait(2.5 / self.rate):
            self._press(client, *self.town.poles.pop())

    def _press(self, client: httpx.Client, name: str, device: str, key: str) -> None:
        signer = Signer(device, key)
        body = signer.envelope([{"kind": "press"}])
        self.ledger.tell("press", name)
        # Whatever the city's clock says meanwhile; the same bytes again, until there is a receipt.
        answer = self._ask("press", lambda: client.post("/api/devices/urgent", content=body), {200})
        if answer is not None and signer.receipt(answer.content):
            self.ledger.acknowledge("press", name)

    def _buttons(self, client: httpx.Client) -> None:
        """Buttons are pressed again and again, some by envelopes that come twice: each press counts once."""
        signers = [Signer(device, key) for _name, device, key in self.town.buttons]
        number = 0
        while signers and not self.stop.wait(0.7 / self.rate):
            number += 1
            token, signer = uuid.uuid4().hex, signers[number % len(signers)]
            body = signer.envelope([{"kind": "press", "id": token}])
            self.ledger.tell("button", token)
            for _time in range(1 + (number % 3 == 0)):
                answer = self._ask("button", partial(client.post, "/api/devices/urgent", content=body), {200})
                received = signer.receipt(answer.content) if answer is not None else None
                if received:
                    self.ledger.acknowledge("button", token, received[0]["subject"])

    def _telephones(self, client: httpx.Client) -> None:
        """Telephones call for help, each call with a key of its own, some of them sent twice."""
        number = 0
        while not self.stop.wait(1.1 / self.rate):
            number += 1
            token = uuid.uuid4().hex
            self.ledger.tell("call", token)
            for _time in range(1 + (number % 3 == 0)):
                ask = partial(client.post, "/api/safety/presses", json={"key": token})
                answer = self._ask("call", ask, {200})
                if answer is not None:
                    self.ledger.acknowledge("call", token, f"alert:{answer.json()['alert']}")

    def weighings(self, visits: list[Visit]) -> None:
        """A crew weighs what people bring, some of it while the telephone is without a network."""
        for visit in visits:
            self._sign_in(visit, CREW)
        telephones = Telephones(self.ledger, self.town.cards, visits, lambda ask: self._ask("weighing", ask, {200}))
        while self.town.cards and not self.stop.wait(1 / self.rate):
            for _one in range(random.randint(1, 3)):
                telephones.weigh()
            telephones.tell()

    def _sign_in(self, visit: Visit, email: str) -> None:
        """Signs in, however long that takes: sessions outlive every process."""
        while not self.stop.is_set():
            try:
                visit.sign_in(email, PASSWORD)
                return
            except httpx.HTTPError as problem:
                self._not_done(problem, email)

    def _desk(self, visit: Visit) -> None:
        """Accepts what is new."""
        done: set[int] = set()
        self._sign_in(visit, DESK)
        while not self.stop.wait(0.5 / self.rate):
            try:
                found = visit.get("/reports/desk/points/desk.geojson", state="new").raise_for_status().json()
                new = [one["properties"]["id"] for one in found["features"]]
                for number in [one for one in new if one not in done][:20]:
                    if self.stop.wait(0.5 / self.rate):
                        return
                    self._step(visit, "accept", number)
                    done.add(number)
            except httpx.HTTPError as problem:
                self._not_done(problem, "desk")

    def _step(self, visit: Visit, step: str, number: int) -> None:
        self.ledger.tell("step", f"{step} {number}")
        answer = visit.post(f"/reports/desk/{number}/step/", {"step": step})
        self.ledger.answer(answer.status_code)
        if answer.is_redirect:
            self.ledger.acknowledge("step", f"{step} {number}")

    def _coast(self, visit: Visit) -> None:
        """Answers poles, and ends what it has answered."""
        self._sign_in(visit, COAST)
        while not self.stop.wait(1 / self.rate):
            try:
                page = visit.get("/lifeguards/desk/", part="alarms").raise_for_status().text
                for number, action, what in ALARM.findall(page):
                    if int(number) % LEFT == 0 or self.stop.is_set():
                        continue
                    self.ledger.tell("alarm", f"{what} {number}")
                    answer = visit.post(action, {})
                    self.ledger.answer(answer.status_code)
                    if answer.is_redirect:
                        self.ledger.acknowledge("alarm", f"{what} {number}")
            except httpx.HTTPError as problem:
                self._not_done(problem, "coast")

    def _ways(self, connect: Connect) -> None:
        """People have their ways followed, and say that they have arrived; each from a home of their own."""
        number = 2000
        while not self.stop.wait(3 / self.rate):
            number += 1
            visit = Visit(connect(number))
            try:
                visit.get("/safety/escort/").raise_for_status()
                answer = visit.post("/safety/escort/begin/", {"minutes": "30"})
                self.ledger.answer(answer.status_code)
                if found := WAY.search(answer.headers.get("Location", "")):
                    self.ledger.acknowledge("way", found[1])
                    if number % 2 and visit.post(f"/safety/escort/way/{found[1]}/arrived/", {}).is_redirect:
                        self.ledger.acknowledge("arrival", found[1])
            except httpx.HTTPError as problem:
                self._not_done(problem, "way")

    def _drafts(self, visit: Visit) -> None:
        """Somebody drafts warnings."""
        self._sign_in(visit, AUTHOR)
        while not self.stop.wait(5 / self.rate):
            token = str(uuid.uuid4())
            self.ledger.tell("draft", token)
            try:
                answer = visit.post("/safety/warnings/desk/", WARNING | {"headlines_en": f"Fog {token}"})
                self.ledger.answer(answer.status_code)
                if answer.is_redirect:
                    self.ledger.acknowledge("draft", token)
            except httpx.HTTPError as problem:
                self._not_done(problem, "draft")

    def _releases(self, visit: Visit) -> None:
        """Somebody else releases them."""
        self._sign_in(visit, RELEASER)
        while not self.stop.wait(2 / self.rate):
            try:
                page = visit.get("/safety/warnings/desk/").raise_for_status().text
                for number in RELEASE.findall(page)[:3]:
                    answer = visit.post(f"/safety/warnings/{number}/release/", {})
                    self.ledger.answer(answer.status_code)
                    if answer.is_redirect:
                        self.ledger.acknowledge("release", number)
            except httpx.HTTPError as problem:
                self._not_done(problem, "release")

    def _not_done(self, problem: httpx.HTTPError, who: str) -> None:
        """A step was not acknowledged. 409: it had been taken, and the answer was lost."""
        status = problem.response.status_code if isinstance(problem, httpx.HTTPStatusError) else 0
        self.ledger.answer(status, f"{who}: {problem}")
        time.sleep(AGAIN_S)

    def _letters(self) -> None:
        """A mail server puts letters into the city's Maildir; that is its promise to whoever wrote them."""
        box = self.town.folder / LETTERS
        while not self.stop.wait(15 / self.rate):
            token = str(uuid.uuid4())
            letter = EmailMessage()
            letter["From"], letter["To"] = f"Ana <{token[:8]}@example.org>", "city@example.org"
            letter["Subject"], letter["Message-ID"] = f"Lamp {token}", email.utils.make_msgid(token)
            letter.set_content("The lamp is dark.")
            letter.add_attachment(photo(token, place=True), maintype="image", subtype="jpeg", filename="a.jpg")
            self.ledger.tell("letter", token)
            try:
                (box / "tmp" / token).write_bytes(letter.as_bytes())
                (box / "tmp" / token).rename(box / "new" / token)
            except OSError:
                # No room: a mail server keeps it and says so to nobody yet.
                (box / "tmp" / token).unlink(missing_ok=True)
                continue
            self.ledger.acknowledge("letter", token)
