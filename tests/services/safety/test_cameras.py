"""Cameras at their doors: the register, what an operator sees beside an alert, and what is kept as evidence."""

from __future__ import annotations

import dataclasses
import io
import json
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy
import pytest
from django.conf import settings as configured
from django.db import connection
from django.test import Client
from django.utils import timezone

from cityhall.kernel.errors import Conflict, Denied, Invalid, Missing, Unavailable
from cityhall.kernel.evidence import actions as evidence
from cityhall.kernel.evidence import sealing
from cityhall.kernel.evidence.models import Custody, Evidence, Seal
from cityhall.kernel.evidence.verify import verify_all
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.people.actors import ANONYMOUS, Actor, system
from cityhall.kernel.people.models import Person
from cityhall.kernel.places.point import Point
from cityhall.running import demo
from cityhall.services.safety import actions, camera_calls, cameras, carrying, layers, recording, watching
from cityhall.services.safety.camera_calls import Login
from cityhall.services.safety.cameras import Details
from cityhall.services.safety.models import Alert, Camera, Line, Window
from cityhall.services.safety.parts import FOLDER
from cityhall.services.safety.pressing import press
from tests.pages import main_of
from tests.services.safety.conftest import CENTER, NOON, SETTER_UP, S, at_desk, officer, put_up
from tests.services.safety.virtual_camera import SEGMENT_S, VirtualCamera, picture, segment, served
from tests.services.safety.virtual_stream import VirtualStream, streaming

pytestmark = pytest.mark.usefixtures("city", "own_machine")
HERE = {"name": "Corner", "lon": "-51.2", "lat": "-30.0303", "view": "90", "in_service": "on"}
SOUTH = Point(CENTER.lon, CENTER.lat - 0.0003)


class Clock:
    """A time that goes on when somebody sleeps."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=max(seconds, 0.2))


@pytest.fixture
def own_machine(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cameras on this machine, as in the demo; none of them has just failed."""
    settings.CITY = dataclasses.replace(settings.CITY, options={"safety": {"servers": ["127.0.0.1"]}})
    monkeypatch.setattr(watching, "_resting", {})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def device(clock: Clock) -> Iterator[VirtualCamera]:
    with served(VirtualCamera(clock=clock.now)) as camera:
        yield camera


def entered(device: VirtualCamera, *, film: bool = False, **given: Any) -> Camera:
    addresses = {"snapshot_url": f"{device.address}/picture.jpg"}
    if film:
        addresses["hls_url"] = f"{device.address}/film/live.m3u8"
    details = Details(**{"name": "Corner", "point": SOUTH, "heading": 0, **addresses, **given})
    return cameras.enter(SETTER_UP, details, Login(device.user, device.password))


def call(point: Point | None = CENTER) -> Alert:
    return press(ANONYMOUS, f"{Alert.objects.count():032x}", point=point, at=NOON).alert


def browser(actor: Actor) -> Client:
    client = Client()
    client.force_login(Person.objects.get(pk=actor.person_id or 0), configured.AUTHENTICATION_BACKENDS[0])
    return client


def told(kind: str) -> list[Entry]:
    return list(Entry.objects.filter(stream="safety", type=kind).order_by("entry"))


# The register.


def test_a_supervisor_enters_a_camera_and_nobody_reads_its_password_again(device: VirtualCamera) -> None:
    client = browser(officer("sue", "supervisor"))
    assert "No camera is entered yet." in main_of(client.get("/safety/cameras/"))
    form = HERE | {"device_url": f"{device.address}/onvif/device_service"}
    answer = client.post("/safety/cameras/", form | {"user": device.user, "password": device.password}, follow=True)
    camera = Camera.objects.get()
    assert answer.redirect_chain[-1][0] == f"/safety/cameras/{camera.pk}/"
    assert camera.point == Point(-51.2, -30.0303) and camera.heading is None
    page = client.get(f"/safety/cameras/{camera.pk}/").content.decode()
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(c)::text FROM safety_camera AS c")
        row = cursor.fetchone()[0]
        cursor.execute("SELECT string_agg(data::text, '') FROM journal_entry")
        journal = cursor.fetchone()[0]
    for where in (page, row, journal):
        assert device.password not in where and device.password.encode().hex() not in where
    assert f'value="{device.user}"' not in page
    assert cameras.login_of(camera) == Login(device.user, device.password)


@pytest.mark.parametrize("role", ["operator", "guard"])
def test_only_supervisors_see_and_change_the_register(role: str, device: VirtualCamera) -> None:
    camera = entered(device)
    actor = officer("olga", role)
    client = browser(actor)
    for path in ("/safety/cameras/", f"/safety/cameras/{camera.pk}/"):
        assert client.get(path).status_code == 403
        assert client.post(path, HERE | {"rtsp_url": "rtsp://camera/1"}).status_code == 403
    for step in ("ask", "try", "remove"):
        assert client.post(f"/safety/cameras/{camera.pk}/{step}/").status_code == 403
    with pytest.raises(Denied):
        cameras.change(actor, camera.pk, cameras.details_of(camera))
    assert Camera.objects.get().name == "Corner" and device.asked == []


@pytest.mark.parametrize(
    ("field", "url"),
    [
        ("snapshot_url", "http://127.0.0.2/picture.jpg"),
        ("snapshot_url", "http://[::1]:5432/"),
        ("hls_url", "http://169.254.169.254/latest/meta-data/"),
        ("hls_url", "http://0.0.0.0/live.m3u8"),
        ("device_url", "file:///etc/passwd"),
        ("device_url", "http://admin:admin@10.0.0.7/onvif"),
        ("snapshot_url", "http://no-such-host.invalid/"),
        ("rtsp_url", "rtsp://admin:admin@10.0.0.7/"),
        ("rtsp_url", "javascript:alert(1)"),
    ],
)
def test_an_address_where_no_camera_can_be_is_refused_and_says_why(field: str, url: str) -> None:
    answer = browser(officer("sue", "supervisor")).post("/safety/cameras/", HERE | {field: url})
    assert answer.status_code == 422 and f'id="id_{field}_error"' in main_of(answer)
    assert not Camera.objects.exists()


def test_a_private_address_is_where_cameras_are() -> None:
    assert camera_calls.checked_address("http://10.1.2.3:8080/x") == ("10.1.2.3", "10.1.2.3", 8080)


def test_a_password_goes_to_no_other_host(device: VirtualCamera) -> None:
    camera = entered(device)
    boss = officer("sue", "supervisor")
    same = dataclasses.replace(cameras.details_of(camera), snapshot_url=f"{device.address}/other.jpg")
    assert cameras.login_of(cameras.change(boss, camera.pk, same)) is not None
    other = dataclasses.replace(same, rtsp_url="rtsp://10.0.0.9/main")
    answer = browser(boss).post(
        f"/safety/cameras/{camera.pk}/",
        HERE | {"snapshot_url": other.snapshot_url, "rtsp_url": other.rtsp_url},
        follow=True,
    )
    assert "write its name and password again" in answer.content.decode()
    assert cameras.login_of(Camera.objects.get()) is None


# ONVIF.


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(days=-3000), timedelta(hours=5)])
def test_a_camera_is_asked_for_its_addresses_whatever_its_clock_says(device: VirtualCamera, ahead: timedelta) -> None:
    device.ahead = ahead
    camera = entered(device, snapshot_url="", device_url=f"{device.address}/onvif/device_service")
    client = browser(officer("sue", "supervisor"))
    page = client.post(f"/safety/cameras/{camera.pk}/ask/", follow=True)
    assert "The camera gave new addresses." in page.content.decode()
    camera.refresh_from_db()
    # It calls itself 192.168.1.64: it is asked where it was registered all the same.
    assert camera.rtsp_url == "rtsp://127.0.0.1:554/main"
    assert camera.snapshot_url == f"{device.address}/picture.jpg"
    assert "The camera answers" in client.post(f"/safety/cameras/{camera.pk}/try/", follow=True).content.decode()


def test_a_wrong_password_is_told_in_the_cameras_words(device: VirtualCamera) -> None:
    camera = entered(device, device_url=f"{device.address}/onvif/device_service")
    boss = officer("sue", "supervisor")
    cameras.change(boss, camera.pk, cameras.details_of(camera), Login(device.user, "wrong"))
    with pytest.raises(Invalid, match="Sender not Authorized"):
        cameras.ask_device(boss, camera.pk)
    page = browser(boss).post(f"/safety/cameras/{camera.pk}/try/", follow=True)
    assert "cannot be reached" in page.content.decode()


# Beside an alert.


def test_those_that_look_towards_the_place_come_first_then_by_metres(device: VirtualCamera) -> None:
    away = entered(device, name="away", heading=180)
    towards = entered(device, name="towards", point=Point(CENTER.lon, CENTER.lat - 0.003), heading=10)
    unknown = entered(device, name="unknown", heading=None, point=Point(CENTER.lon + 0.0001, CENTER.lat))
    around = entered(device, name="around", heading=None, view=360, point=Point(CENTER.lon, CENTER.lat - 0.001))
    entered(device, name="far", point=Point(CENTER.lon, CENTER.lat - 0.004))
    entered(device, name="off", in_service=False)
    found = cameras.near(CENTER)
    assert [one.camera for one in found] == [around, towards, unknown, away]
    assert [one.looks for one in found] == [True, True, None, False]
    assert [round(one.metres) for one in found] == [111, 334, 10, 33]
    assert cameras.near(None) == []


def test_each_look_is_in_the_journal_before_it_is_seen(device: VirtualCamera) -> None:
    camera, alert, olga = entered(device), call(), at_desk("olga")
    client = browser(olga)
    page = client.get(f"/safety/alerts/{alert.pk}/?part=1").content.decode()
    address = f"/safety/alerts/{alert.pk}/cameras/{camera.pk}/picture/"
    assert f'data-camera-picture="{address}"' in page and "looks this way" in page and "33 m" in page
    assert device.asked == [], "the page alone looks through nothing"
    for number in (1, 2, 3):
        answer = client.get(address)
        assert answer.content == picture(number) and answer["Content-Type"] == "image/jpeg"
    assert "no-store" in answer["Cache-Control"] and "sandbox" in answer["Content-Security-Policy"]
    assert answer["Picture-Age"] == "7"
    device.fault = "dead"
    answer = client.get(address, headers={"accept": "application/json"})
    assert answer.status_code == 503 and answer.json()["message"] == "This camera cannot be reached."
    looks = told("camera.seen")
    assert [(one.subject, one.actor, one.data) for one in looks] == [
        (f"alert:{alert.pk}", str(olga), {"camera": camera.pk})
    ] * 4


def test_nobody_looks_through_a_camera_but_for_an_open_alert_near_it(device: VirtualCamera) -> None:
    camera, alert, olga = entered(device), call(), at_desk("olga")
    far, nowhere = call(Point(CENTER.lon + 0.1, CENTER.lat)), call(None)
    client = browser(olga)
    for path in ("", "picture/", f"film/{watching.film_address(olga, alert, camera).split('/')[-2]}/"):
        for other in (far, nowhere):
            assert client.get(f"/safety/alerts/{other.pk}/cameras/{camera.pk}/{path}").status_code == 404
        assert Client().get(f"/safety/alerts/{alert.pk}/cameras/{camera.pk}/{path}").status_code in (302, 403)
    guard = browser(officer("gil", "guard"))
    assert guard.get(f"/safety/alerts/{alert.pk}/cameras/{camera.pk}/picture/").status_code == 403
    actions.answer(olga, alert.pk)
    actions.close(olga, alert.pk, "helped")
    assert client.get(f"/safety/alerts/{alert.pk}/cameras/{camera.pk}/picture/").status_code == 409
    with pytest.raises(Conflict):
        recording.keep(olga, alert.pk, camera.pk)
    assert device.asked == [] and not told("camera.seen")


@pytest.mark.parametrize("fault", ["redirect", "huge", "slow", "html", "dead"])
def test_what_a_camera_does_instead_of_answering_is_an_answer_soon(
    device: VirtualCamera, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_calls, "SECONDS", 1.0)
    camera, device.fault = entered(device), fault
    began = datetime.now(UTC)
    with pytest.raises(Unavailable, match="cannot be reached"):
        watching.picture_of(camera)
    assert datetime.now(UTC) - began < timedelta(seconds=3)
    assert "/secret" not in device.asked
    if fault != "html":
        # It is left in peace for a moment, and nobody waits for it.
        device.fault = ""
        with pytest.raises(Unavailable):
            watching.picture_of(camera)
        assert len(device.asked) == 1


def test_the_layer_is_for_who_answers_alerts(device: VirtualCamera) -> None:
    entered(device)
    (one,) = layers.cameras(None)["features"]
    assert one["properties"] == {"id": one["id"], "name": "Corner", "owner": "", "heading": 0}
    assert "safety/cameras" not in Client().get("/").content.decode()
    assert "safety/cameras" not in _manifest(ANONYMOUS)
    assert "safety/cameras" in _manifest(officer("olga"))


def _manifest(actor: Actor) -> list[str]:
    from cityhall.web.layers import map_layers

    return [layer["id"] for layer in map_layers(actor)]


# Film.


def test_film_comes_through_the_city_for_whom_the_page_was_made(device: VirtualCamera, clock: Clock) -> None:
    camera, alert, olga = entered(device, film=True, rtsp_url="rtsp://127.0.0.1/main"), call(), at_desk("olga")
    client = browser(olga)
    page = client.get(f"/safety/alerts/{alert.pk}/cameras/{camera.pk}/").content.decode()
    address = watching.film_address(olga, alert, camera)
    assert "<video" in page and 'href="rtsp://127.0.0.1/main"' in page
    assert [one.data for one in told("camera.watched")] == [{"camera": camera.pk}]
    playlist = client.get(address)
    assert playlist["Content-Type"] == "application/vnd.apple.mpegurl"
    ours = [line for line in playlist.content.decode().splitlines() if not line.startswith("#")]
    assert len(ours) == 10 and all(line.startswith(f"/safety/alerts/{alert.pk}/cameras/") for line in ours)
    last = client.get(ours[-1])
    assert last.content == segment(device.newest()) and last["Content-Type"] == "video/mp2t"
    assert browser(at_desk("ana")).get(ours[-1]).status_code == 404, "made for somebody else"
    assert client.get(ours[-1][:-1] + "x/").status_code == 404


def test_a_playlist_leads_to_no_other_server(device: VirtualCamera, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(VirtualCamera()) as other:
        camera, alert, olga = entered(device, film=True), call(), at_desk("olga")
        evil = f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{other.address}/picture.jpg\n"
        monkeypatch.setattr(VirtualCamera, "playlist", lambda self: evil)
        client = browser(olga)
        playlist = client.get(watching.film_address(olga, alert, camera)).content.decode()
        assert client.get(playlist.splitlines()[-1]).status_code == 503
        window = recording.keep(olga, alert.pk, camera.pk, now=NOON)
        recording.record(window.pk, now=iter(NOON + 40 * n * S for n in range(99)).__next__, sleep=lambda _s: None)
        assert other.asked == []


# Windows.


def kept(window: Window) -> dict[str, bytes]:
    window.refresh_from_db()
    assert window.evidence is not None
    body = b"".join(evidence.open_original(system("test"), window.evidence))
    with zipfile.ZipFile(io.BytesIO(body)) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist()}


def test_a_press_keeps_what_the_playlist_still_holds_and_the_next_minute(device: VirtualCamera, clock: Clock) -> None:
    camera, alert, olga = entered(device, film=True), call(), at_desk("olga", now=NOON)
    client = browser(olga)
    page = client.get(f"/safety/alerts/{alert.pk}/").content.decode()
    assert "Keep the last 30 s and the next 60 s" in page
    for _press in range(2):
        answer = client.post(
            f"/safety/alerts/{alert.pk}/keep/", {"other": camera.pk}, headers={"accept": "application/json"}
        )
        assert answer.status_code == 200 and answer.json()["id"] == alert.pk
    window = Window.objects.get()
    Window.objects.update(since=NOON - 30 * S, until=NOON + 60 * S)
    recording.record(window.pk, now=clock.now, sleep=clock.sleep)
    files = kept(window)
    index = json.loads(files.pop("index.json"))
    playlist = files.pop("playlist.m3u8").decode()
    numbers = [int(name.split("-")[1]) for name in files]
    first = int(NOON.timestamp()) // SEGMENT_S
    # 30 s before: seven whole segments and the one that the moment is in; 60 s after: fifteen.
    assert numbers == list(range(first - 8, first + 15))
    assert list(files.values()) == [segment(number) for number in numbers], "each as it came, unchanged"
    assert (
        [one["file"] for one in index["files"]]
        == list(files)
        == [line for line in playlist.split("\n") if line[:1] == "s"]
    )
    assert index["files"][0]["camera_said"] == "2026-11-28T11:59:28.000+00:00"
    assert (window.state, window.parts, window.missed) == ("kept", 23, 0)
    assert not (Path(configured.CITY_FOLDER) / FOLDER / str(window.pk)).exists()
    assert [line.what for line in Line.objects.filter(what__in=("keep", "kept"))] == ["keep", "kept"]
    assert [(one.actor, one.data["camera"]) for one in told("camera.keep")] == [(str(olga), camera.pk)]
    assert told("camera.kept")[0].data["evidence"] == window.evidence_id
    assert alert.version + 2 == Alert.objects.get().version, "the desk's screens hear of it"


def test_a_segment_that_the_camera_has_just_forgotten_holds_up_no_other(device: VirtualCamera, clock: Clock) -> None:
    camera, alert, olga = entered(device, film=True), call(), at_desk("olga", now=NOON)
    device.forgotten = 3
    window = recording.keep(olga, alert.pk, camera.pk, now=NOON)
    recording.record(window.pk, now=clock.now, sleep=clock.sleep)
    numbers = [int(name.split("-")[1]) for name in kept(window) if name.startswith("s-")]
    first = int(NOON.timestamp()) // SEGMENT_S
    assert numbers == list(range(first - 7, first + 15))


def test_a_camera_without_film_keeps_a_picture_a_second(device: VirtualCamera, clock: Clock) -> None:
    camera, alert, olga = entered(device), call(), at_desk("olga", now=NOON)
    assert "Keep a picture a second" in browser(olga).get(f"/safety/alerts/{alert.pk}/").content.decode()
    window = recording.keep(olga, alert.pk, camera.pk, now=NOON)
    recording.record(window.pk, now=clock.now, sleep=clock.sleep)
    files = kept(window)
    assert [body for name, body in files.items() if name.endswith(".jpg")] == [picture(n) for n in range(1, 61)]
    index = json.loads(files["index.json"])
    assert index["files"][0]["from"] == "2026-11-28T12:00:00.000+00:00" and "playlist.m3u8" not in files


def test_of_a_camera_whose_addresses_nobody_knows_nothing_can_be_kept_and_it_says_so() -> None:
    camera = cameras.enter(SETTER_UP, Details("Corner", SOUTH, device_url="http://10.0.0.7/onvif/device_service"))
    alert, olga = call(), at_desk("olga")
    page = browser(olga).get(f"/safety/alerts/{alert.pk}/").content.decode()
    assert "nothing can be kept of it" in page and "Keep a" not in page
    with pytest.raises(Conflict, match="nothing can be kept"):
        recording.keep(olga, alert.pk, camera.pk)


@pytest.mark.parametrize("film", [True, False])
def test_whoever_goes_on_after_a_killed_process_keeps_one_whole_window(
    device: VirtualCamera, clock: Clock, film: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera, alert, olga = entered(device, film=film), call(), at_desk("olga", now=NOON)
    window = recording.keep(olga, alert.pk, camera.pk, now=NOON)
    looks = iter(range(1000))
    recording.record(window.pk, lambda: next(looks) > 12, now=clock.now, sleep=clock.sleep)
    assert Window.objects.get().state == "running" and not Evidence.objects.exists()
    with monkeypatch.context() as patch:
        # Killed after the files were put together and before anything was committed.
        patch.setattr(recording, "keep_evidence", lambda *_a, **_b: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            recording.record(window.pk, now=clock.now, sleep=clock.sleep)
    for _time in range(2):
        recording.record(window.pk, now=clock.now, sleep=clock.sleep)
    files = kept(window)
    assert Evidence.objects.count() == 1
    if film:
        assert len([name for name in files if name.startswith("s-")]) == 23
    else:
        assert [body for name, body in files.items() if name.startswith("p-")] == [picture(n) for n in range(1, 61)]
    assert recording.sweep() == 0


def test_a_killed_process_leaves_no_pictures_behind(device: VirtualCamera, clock: Clock, city: Path) -> None:
    camera, alert, olga = entered(device), call(), at_desk("olga", now=NOON)
    window = recording.keep(olga, alert.pk, camera.pk, now=NOON)
    (city / FOLDER / "999").mkdir(parents=True)
    recording.record(window.pk, lambda: bool(device.pictures), now=clock.now, sleep=clock.sleep)
    assert recording.sweep() == 1
    assert [path.name for path in (city / FOLDER).iterdir()] == [str(window.pk)], "one that goes on is needed"


@pytest.mark.django_db(transaction=True)
def test_the_worker_keeps_what_is_asked_for_and_ends_when_it_is_told(device: VirtualCamera) -> None:
    device.clock = timezone.now
    camera, alert, olga = entered(device, film=True), call(), at_desk("olga")
    window = recording.keep(olga, alert.pk, camera.pk)
    Window.objects.update(until=timezone.now() - 10 * S)
    stop = threading.Event()
    worker = threading.Thread(target=recording.run, args=(stop,))
    worker.start()
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until and Window.objects.get().state == "running":
            time.sleep(0.1)
    finally:
        stop.set()
        worker.join(10)
    assert not worker.is_alive()
    assert len([name for name in kept(window) if name.startswith("s-")]) >= 5


def test_of_a_camera_that_never_answers_it_is_said_that_nothing_is_kept(device: VirtualCamera, clock: Clock) -> None:
    camera, alert, olga = entered(device, film=True), call(), at_desk("olga", now=NOON)
    device.fault = "dead"
    window = recording.keep(olga, alert.pk, camera.pk, now=NOON)
    recording.record(window.pk, now=clock.now, sleep=clock.sleep)
    window.refresh_from_db()
    assert (window.state, window.evidence, window.parts) == ("nothing", None, 0) and window.missed > 50
    page = browser(olga).get(f"/safety/alerts/{alert.pk}/").content.decode()
    assert "Nothing came from the camera: nothing is kept" in page


def test_where_film_fails_pictures_are_kept(
    device: VirtualCamera, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera, alert, olga = entered(device, film=True), call(), at_desk("olga", now=NOON)
    monkeypatch.setattr(VirtualCamera, "playlist", lambda self: '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="k"\n')
    window = recording.keep(olga, alert.pk, camera.pk, now=NOON)
    recording.record(window.pk, now=clock.now, sleep=clock.sleep)
    assert len([name for name in kept(window) if name.endswith(".jpg")]) == 60


# Streams.


def test_what_comes_of_a_stream_is_kept_as_it_was_coded_and_plays(clock: Clock, tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    with streaming(VirtualStream()) as device:
        login = Login(device.user, device.password)
        camera = cameras.enter(SETTER_UP, Details("Corner", SOUTH, heading=0, rtsp_url=device.url), login)
        alert, olga = call(), at_desk("olga", now=NOON)
        assert "Keep the next 60 s" in browser(olga).get(f"/safety/alerts/{alert.pk}/").content.decode()
        window = recording.keep(olga, alert.pk, camera.pk, now=NOON)
        Window.objects.update(until=NOON + 4 * S)
        recording.record(window.pk, now=clock.now, sleep=clock.sleep)
    files = kept(window)
    streams = [body for name, body in files.items() if name.endswith(".h264")]
    assert streams and window.state == "kept" and json.loads(files["index.json"])["files"][0]["seconds"] > 0
    assert all(unit in streams[0] for unit in device.units), "each unit as it was coded"
    assert device.asked[:2] == ["DESCRIBE", "DESCRIBE"] and device.password not in "".join(device.said)
    film = tmp_path / "film.h264"
    film.write_bytes(streams[0])
    pictures, player = 0, cv2.VideoCapture(str(film))
    while (read := player.read())[0]:
        shown = read[1][:, :, ::-1].astype(int)
        assert min(abs(shown - numpy.asarray(one)).mean() for one in device.images) < 6
        pictures += 1
    assert pictures >= 4


def test_a_password_is_tried_and_goes_as_a_digest_or_not_at_all() -> None:
    with streaming(VirtualStream()) as device:
        details = Details("Corner", SOUTH, heading=0, rtsp_url=device.url)
        camera = cameras.enter(SETTER_UP, details, Login(device.user, "wrong"))
        with pytest.raises(Unavailable):
            cameras.try_out(SETTER_UP, camera.pk)
        cameras.change(SETTER_UP, camera.pk, details, Login(device.user, device.password))
        assert cameras.try_out(SETTER_UP, camera.pk) > 1000
        device.basic = True
        with pytest.raises(Unavailable):
            cameras.try_out(SETTER_UP, camera.pk)
        assert not any("Basic" in one for one in device.said)


def test_where_a_stream_fails_pictures_are_kept(device: VirtualCamera, clock: Clock) -> None:
    with streaming(VirtualStream(breaks=True)) as broken:
        camera, alert, olga = entered(device, rtsp_url=broken.url), call(), at_desk("olga", now=NOON)
        window = recording.keep(olga, alert.pk, camera.pk, now=NOON)
        recording.record(window.pk, now=clock.now, sleep=clock.sleep)
    assert len([name for name in kept(window) if name.endswith(".jpg")]) == 60
    assert 1 <= broken.asked.count("DESCRIBE") <= 10, "it is not asked again every second"


def test_a_stream_of_the_citys_own_machine_is_refused_unless_it_is_named(settings: Any) -> None:
    settings.CITY = dataclasses.replace(settings.CITY, options={})
    with streaming(VirtualStream()) as device:
        camera = cameras.enter(SETTER_UP, Details("Corner", SOUTH, rtsp_url=device.url))
        with pytest.raises(Invalid):
            cameras.try_out(SETTER_UP, camera.pk)
    assert device.asked == []


@pytest.mark.parametrize("word", ["servers", "camera_hosts"])
def test_a_city_made_before_names_its_cameras_by_the_old_word(settings: Any, word: str) -> None:
    settings.CITY = dataclasses.replace(settings.CITY, options={"safety": {}})
    with pytest.raises(Invalid):
        camera_calls.checked_address("http://127.0.0.1/picture.jpg")
    settings.CITY = dataclasses.replace(settings.CITY, options={"safety": {word: ["127.0.0.1"]}})
    assert camera_calls.checked_address("http://127.0.0.1/picture.jpg")[0] == "127.0.0.1"
    # Where messages go to, a city has said apart.
    assert carrying.own_servers() == (["127.0.0.1"] if word == "servers" else [])


# Evidence.


def a_piece(device: VirtualCamera, clock: Clock) -> tuple[Window, Actor]:
    camera, alert, olga = entered(device), call(), at_desk("olga", now=NOON)
    window = recording.keep(olga, alert.pk, camera.pk, now=NOON)
    recording.record(window.pk, now=clock.now, sleep=clock.sleep)
    window.refresh_from_db()
    return window, olga


def test_one_flipped_bit_is_named_and_neither_shown_nor_exported(device: VirtualCamera, clock: Clock) -> None:
    window, _olga = a_piece(device, clock)
    assert window.evidence is not None
    assert verify_all(lambda _what, _share: None).broken == []
    path = sealing.path_of(window.evidence.uid)
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)
    (fault,) = verify_all(lambda _what, _share: None).broken
    assert (fault.piece, fault.kind, fault.subject) == (window.evidence_id, "safety.camera", f"alert:{window.alert_id}")
    assert browser(officer("sue", "supervisor")).post(f"/evidence/{window.evidence_id}/original/").status_code == 409


def test_supervisors_list_open_and_export_it_and_operators_do_not(device: VirtualCamera, clock: Clock) -> None:
    boss = browser(officer("sue", "supervisor"))
    assert "Nothing is kept as evidence yet." in main_of(boss.get("/evidence/"))
    window, olga = a_piece(device, clock)
    number = window.alert_id
    text = main_of(boss.get("/evidence/"))
    assert f'href="/evidence/{window.evidence_id}/"' in text and f"Alert {number}" in text
    of_it = main_of(boss.get(f"/evidence/?about=alert:{number}"))
    assert f'<a href="/safety/alerts/{number}/">Alert {number}</a>' in of_it and "Export" in of_it
    assert "Nothing is kept about this." in main_of(boss.get("/evidence/?about=alert:999"))
    bundle = boss.post("/evidence/export/", {"about": f"alert:{number}"})
    with zipfile.ZipFile(io.BytesIO(b"".join(bundle.streaming_content))) as opened:  # type: ignore[attr-defined]
        manifest = json.loads(opened.read("manifest.json"))
        assert opened.read(manifest["pieces"][0]["file"])[:2] == b"PK" and "READ-ME-FIRST.txt" in opened.namelist()
    assert boss.post("/evidence/export/", {"about": "alert:999"}).status_code == 404
    assert [line.what for line in Custody.objects.all()] == ["received", "exported"]
    page = boss.get(f"/safety/alerts/{number}/").content.decode()
    assert f'href="/evidence/{window.evidence_id}/"' in page
    ours = browser(olga)
    page = ours.get(f"/safety/alerts/{number}/").content.decode()
    assert "Kept as evidence" in page and "/evidence/" not in page
    for path in ("/evidence/", f"/evidence/{window.evidence_id}/"):
        assert ours.get(path).status_code == 403
    assert ours.post("/evidence/export/", {"about": f"alert:{number}"}).status_code == 403


def test_it_is_kept_as_long_as_its_alert_unless_somebody_holds_it_longer(device: VirtualCamera, clock: Clock) -> None:
    window, _olga = a_piece(device, clock)
    Seal.objects.update(keep_until=NOON + timedelta(days=90))
    day = timedelta(days=1)

    def until() -> int:
        return (Seal.objects.get().keep_until - NOON).days

    assert recording.keep_with_alerts(NOON + day) == 0
    # The alert lies open for months: what belongs to it waits with it.
    assert recording.keep_with_alerts(NOON + 60 * day) == 1 and until() == 150
    Alert.objects.update(state="closed", closed_at=NOON + 100 * day)
    assert recording.keep_with_alerts(NOON + 101 * day) == 1 and until() == 190
    assert recording.keep_with_alerts(NOON + 102 * day) == 0
    assert window.evidence is not None
    evidence.prolong(system("test"), window.evidence, NOON + 400 * day, why="a case")
    assert recording.keep_with_alerts(NOON + 103 * day) == 0 and until() == 400
    assert recording.keep_with_alerts(NOON + 300 * day) == 0 and until() == 400


def test_a_camera_is_taken_out_of_the_register_and_what_it_saw_stays(device: VirtualCamera, clock: Clock) -> None:
    window, _olga = a_piece(device, clock)
    answer = browser(officer("sue", "supervisor")).post(f"/safety/cameras/{window.camera_id}/remove/", follow=True)
    assert answer.status_code == 200 and not Camera.objects.exists()
    assert len(kept(window)) == 61
    with pytest.raises(Missing):
        cameras.find(1)


def test_the_demos_cameras_stand_at_its_poles_and_follow_their_port() -> None:
    for number in range(5):
        put_up(f"Pole {number}", point=Point(CENTER.lon + number, CENTER.lat))
    known: dict[str, Any] = {"safety": {}} | demo._cameras({"safety": {}})
    port = known["cameras"]["port"]
    assert [one.snapshot_url for one in Camera.objects.all()] == [
        f"http://127.0.0.1:{port}/{number}/picture.jpg" for number in (1, 2)
    ]
    assert [one.looks for one in cameras.near(CENTER)] == [True]
    assert demo._cameras(known) == {}
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        moved = demo._cameras(known)["cameras"]["port"]
    assert moved != port and Camera.objects.count() == 2
    assert {one.hls_url for one in Camera.objects.all()} == {
        f"http://127.0.0.1:{moved}/{number}/live.m3u8" for number in (1, 2)
    }
