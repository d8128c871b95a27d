"""Warnings: what is read is what was written, and what is wrong is said in a sentence."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from cityhall.cli import app
from cityhall.engines import cap
from cityhall.engines.cap import parsing

FLOOD = """<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>flood-7</identifier>
  <sender>river@example.org</sender>
  <sent>2026-06-16T16:49:00-03:00</sent>
  <status>Actual</status>
  <msgType>Update</msgType>
  <scope>Public</scope>
  <references>river@example.org,flood-6,2026-06-16T15:00:00-03:00</references>
  <info>
    <category>Met</category>
    <event>Flood</event>
    <urgency>Immediate</urgency>
    <severity>Severe</severity>
    <certainty>Observed</certainty>
    <expires>2026-06-16T22:00:00-03:00</expires>
    <headline>The river rises</headline>
    <area>
      <areaDesc>Quay</areaDesc>
      <polygon>-30.03,-51.24 -30.03,-51.22 -30.05,-51.22 -30.03,-51.24</polygon>
      <circle>-30.04,-51.23 1.5</circle>
      <altitude>10</altitude>
      <ceiling>30.5</ceiling>
    </area>
  </info>
</alert>"""
OLDEST = """<alert xmlns="http://www.incident.com/cap/1.0"><identifier>a</identifier><sender>b</sender>
<sent>2004-02-01T10:00:00</sent><status>Test</status><msgType>Alert</msgType><info><category>Fire</category>
<event>Fire</event><urgency>Past</urgency><severity>Minor</severity><certainty>Very Likely</certainty>
<eventCode>SAME=FRW</eventCode><area><areaDesc>Here</areaDesc><altitude>about 500</altitude></area></info></alert>"""


def test_a_message_is_read_as_it_says() -> None:
    (flood,) = cap.read(FLOOD.encode())
    brasilia = timezone(timedelta(hours=-3))
    assert flood.sent == datetime(2026, 6, 16, 16, 49, tzinfo=brasilia)
    assert flood.references == (
        cap.Reference("river@example.org", "flood-6", datetime(2026, 6, 16, 15, tzinfo=brasilia)),
    )
    (info,) = flood.infos
    assert (info.event, info.language, info.onset, info.headline) == ("Flood", "en-US", None, "The river rises")
    (area,) = info.areas
    # Longitude first.
    assert area.polygons == (((-51.24, -30.03), (-51.22, -30.03), (-51.22, -30.05), (-51.24, -30.03)),)
    assert area.circles == (cap.Circle((-51.23, -30.04), 1.5),)
    assert (area.altitude, area.ceiling) == (10.0, 30.5)


def test_the_oldest_version_is_read_by_its_own_words() -> None:
    (fire,) = cap.read(OLDEST.encode())
    assert (fire.version, fire.scope, fire.infos[0].certainty) == ("1.0", "Public", "Very Likely")
    assert fire.infos[0].event_codes == (("SAME", "FRW"),) and fire.infos[0].areas[0].altitude is None
    assert fire.sent.utcoffset() == timedelta(0)


def test_what_is_not_valid_is_not_written() -> None:
    (flood,) = cap.read(FLOOD.encode())
    with pytest.raises(cap.CapError, match="references"):
        cap.write(replace(flood, references=()))
    with pytest.raises(cap.CapError, match="status"):
        cap.write(replace(flood, status="Real"))
    with pytest.raises(cap.CapError, match="written"):
        cap.write(replace(flood, note="\x00"))
    with pytest.raises(cap.CapError, match="offset"):
        cap.write(replace(flood, sent=datetime(2026, 6, 16)))
    # Its certainty is one that 1.2 has no longer.
    with pytest.raises(cap.CapError, match="Very Likely"):
        cap.write(cap.read(OLDEST.encode())[0])


def words(least: int = 1) -> st.SearchStrategy[str]:
    return st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=least, max_size=12)


NAMES = st.text("abcXYZ019.:@-é", min_size=1, max_size=12)
MOMENTS = st.builds(
    lambda moment, minutes: moment.replace(tzinfo=timezone(timedelta(minutes=minutes))),
    st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)).map(lambda moment: moment.replace(microsecond=0)),
    st.integers(-14 * 60, 14 * 60),
)
POINTS = st.tuples(st.integers(-1800000, 1800000), st.integers(-900000, 900000)).map(lambda p: (p[0] / 1e4, p[1] / 1e4))
PAIRS = st.lists(st.tuples(words(), words(0)), max_size=2).map(tuple)
AREAS = st.builds(
    cap.Area,
    words(),
    st.lists(st.lists(POINTS, min_size=3, max_size=6).map(lambda ring: (*ring, ring[0])), max_size=2).map(tuple),
    st.lists(st.builds(cap.Circle, POINTS, st.integers(0, 40_000).map(lambda n: n / 8)), max_size=2).map(tuple),
    PAIRS,
    altitude=st.integers(-1000, 60_000).map(float),
    ceiling=st.none() | st.integers(-1000, 60_000).map(float),
)
INFOS = st.builds(
    cap.Info,
    categories=st.lists(st.sampled_from(["Geo", "Met", "CBRNE", "Other"]), min_size=1, max_size=3).map(tuple),
    event=words(),
    urgency=st.sampled_from(["Immediate", "Past", "Unknown"]),
    severity=st.sampled_from(["Extreme", "Unknown"]),
    certainty=st.sampled_from(["Observed", "Unlikely"]),
    language=st.sampled_from(["en-US", "pt-BR", "ko"]),
    response_types=st.lists(st.sampled_from(["Shelter", "AllClear"]), max_size=2).map(tuple),
    event_codes=PAIRS,
    effective=st.none() | MOMENTS,
    onset=st.none() | MOMENTS,
    expires=st.none() | MOMENTS,
    headline=words(0),
    instruction=words(0),
    parameters=PAIRS,
    resources=st.lists(
        st.builds(cap.Resource, words(), st.just("image/png"), size=st.none() | st.integers(0, 2**40)), max_size=2
    ).map(tuple),
    areas=st.lists(AREAS, max_size=2).map(tuple),
)
ALERTS = st.builds(
    cap.Alert,
    identifier=NAMES,
    sender=NAMES,
    sent=MOMENTS,
    status=st.sampled_from(["Actual", "Exercise", "Draft"]),
    msg_type=st.sampled_from(["Update", "Cancel"]),
    scope=st.just("Private"),
    addresses=st.lists(st.text("ab c@", min_size=1).filter(str.strip).map(str.strip), min_size=1, max_size=3).map(
        tuple
    ),
    references=st.lists(st.builds(cap.Reference, NAMES, NAMES, MOMENTS), min_size=1, max_size=3).map(tuple),
    incidents=st.lists(NAMES, max_size=2).map(tuple),
    infos=st.lists(INFOS, max_size=2).map(tuple),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ALERTS)
def test_reading_what_was_written_gives_the_same(alert: cap.Alert) -> None:
    assert cap.read(cap.write(alert)) == [alert]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("<scope>Public</scope>", "", "scope"),
        ("<status>Actual", "<status>Serious", "'Serious'"),
        ("<identifier>flood-7", "<identifier>flood, 7", "identifier"),
        ("16:49:00-03:00", "16:49:00Z", "sent"),
        ("2026-06-16T16", "2026-02-30T16", "sent"),
        (">Public<", ">Restricted<", "restriction"),
        (">Public<", ">Private<", "addresses"),
        ("<references>river@example.org,flood-6,2026-06-16T15:00:00-03:00</references>", "", "references"),
        ("<references>river@example.org,", "<references>", "references"),
        (" -30.03,-51.24</polygon>", "</polygon>", "at least four"),
        (" -30.03,-51.24</polygon>", " -30.03,-51.25</polygon>", "where it begins"),
        ("-30.03,-51.24 ", "-95,-51.24 ", "nowhere"),
        ("-30.03,-51.24 ", "NaN,-51.24 ", "latitude,longitude"),
        ("-51.23 1.5", "-51.23 -1", "radius"),
        ("<altitude>10</altitude>", "", "ceiling"),
        ("<event>Flood</event>", "", "event"),
        ("cap:1.2", "cap:1.3", "namespace"),
        ("<category>Met</category>", "<category>Met</category><surprise/>", "surprise"),
    ],
)
def test_what_is_wrong_is_said(old: str, new: str, said: str) -> None:
    assert old in FLOOD
    found = cap.check(FLOOD.replace(old, new).encode())
    assert not found.valid and said in found.reason and found.signature_ok is None
    assert len(found.reason) < 200 and "{" not in found.reason
    with pytest.raises(cap.CapError):
        cap.read(FLOOD.replace(old, new).encode())


def test_nothing_is_wrong_with_what_is_right() -> None:
    assert cap.check(FLOOD.encode()) == cap.Check(True, False, None, "")
    latin = FLOOD.replace("UTF-8", "ISO-8859-1").replace("Quay", "Usulután").encode("latin-1")
    assert cap.check(latin).valid and cap.read(latin)[0].infos[0].areas[0].description == "Usulután"


def test_a_comment_hides_nothing_of_a_text() -> None:
    (flood,) = cap.read(FLOOD.replace("The river rises", "The <!-- a -->river<?b c?> rises").encode())
    assert flood.infos[0].headline == "The river rises"


BODY = FLOOD.partition("?>")[2]
BOMB = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(12))


@pytest.mark.parametrize(
    "hostile",
    [
        b"",
        b"\x00\x01",
        b"not xml",
        b"<alert",
        f'<!DOCTYPE alert [<!ENTITY a0 "ha">{BOMB}]>{BODY.replace("Quay", "&a12;")}'.encode(),
        f'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>{BODY.replace("Quay", "&x;")}'.encode(),
        f'<!DOCTYPE alert SYSTEM "http://192.0.2.1/a.dtd">{BODY}'.encode(),
        BODY.replace("Quay", "&x;").encode(),
        b"<a>" * 100_000,
        b"<a/>" * 500_000,
        b"<a>" + b" " * parsing.MOST_BYTES + b"</a>",
        b'<?xml version="1.0" encoding="no-such"?><a/>',
        b'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"/>',
        b"<rss><channel><item/></channel></rss>",
    ],
    ids=range(14),
)
def test_hostile_bytes_are_refused_in_a_sentence(hostile: bytes) -> None:
    found = cap.check(hostile)
    assert not found.valid and not found.signed and found.reason.endswith(".")
    assert "root:" not in found.reason


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(FLOOD) - 1), st.binary(max_size=8), st.integers(0, 8))
def test_no_bytes_break_the_check(place: int, new: bytes, gone: int) -> None:
    data = FLOOD.encode()
    found = cap.check(data[:place] + new + data[place + gone :])
    assert found.valid == (not found.reason)


def enveloped(envelope: str, *messages: str) -> bytes:
    bare = [message.partition("?>")[2] for message in messages]
    feed = {
        "atom": '<feed xmlns="http://www.w3.org/2005/Atom">{}</feed>',
        "rss": '<rss version="2.0"><channel>{}</channel></rss>',
        "de": '<e:EDXLDistribution xmlns:e="urn:oasis:names:tc:emergency:EDXL:DE:1.0">{}</e:EDXLDistribution>',
    }[envelope]
    entry = {
        "atom": '<entry><content type="text/xml">{}</content></entry>',
        "rss": "<item><description/>{}</item>",
        "de": "<e:contentObject><e:xmlContent><e:embeddedXMLContent>{}</e:embeddedXMLContent></e:xmlContent>"
        "</e:contentObject>",
    }[envelope]
    return feed.format("".join(map(entry.format, bare))).encode()


@pytest.mark.parametrize("envelope", ["atom", "rss", "de"])
def test_messages_are_taken_out_of_their_envelope(envelope: str) -> None:
    second = FLOOD.replace("flood-7", "flood-8")
    assert [alert.identifier for alert in cap.read(enveloped(envelope, FLOOD, second))] == ["flood-7", "flood-8"]
    broken = cap.check(enveloped(envelope, FLOOD, second.replace("Immediate", "Soon")))
    assert not broken.valid and broken.reason.startswith("Message 2 of 2: <urgency>")
    assert "no CAP message" in cap.check(enveloped(envelope)).reason


def test_a_message_beside_the_entries_is_not_the_feeds() -> None:
    feed = f'<feed xmlns="http://www.w3.org/2005/Atom">{FLOOD.partition("?>")[2]}</feed>'
    assert "no CAP message" in cap.check(feed.encode()).reason


def test_the_command_says_it_of_each_file(tmp_path: Path) -> None:
    (tmp_path / "good.xml").write_text(FLOOD)
    (tmp_path / "good.xml.gz").write_bytes(gzip.compress(FLOOD.encode()))
    (tmp_path / "cut.xml.gz").write_bytes(gzip.compress(FLOOD.encode())[:-20])
    (tmp_path / "bad.xml").write_text(FLOOD.replace("Actual", "Real"))
    # A file larger than it looks.
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(b" " * 200_000_000, 9))
    names = ["good.xml", "good.xml.gz", "cut.xml.gz", "bad.xml", "bomb.gz", "nowhere.xml"]
    paths = [str(tmp_path / name) for name in names]
    done = CliRunner().invoke(app, ["safety", "cap-check", *paths, "--json"])
    assert done.exit_code == 0
    rows = json.loads(done.stdout.splitlines()[-1])["files"]
    assert [row["file"] for row in rows] == paths
    assert [row["valid"] for row in rows] == [True, True, False, False, False, False]
    assert all(list(row) == ["file", "valid", "signed", "signature_ok", "reason"] for row in rows)
    assert [bool(row["reason"]) for row in rows] == [not row["valid"] for row in rows]
    assert "cannot be read" in rows[2]["reason"] and "too large" in rows[4]["reason"]
    assert "No such file" in rows[5]["reason"]
    none = CliRunner().invoke(app, ["safety", "cap-check", paths[-1], "--json"])
    assert none.exit_code == 2 and "give the paths" in none.output
