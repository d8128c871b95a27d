"""What we write is an EIDO by NENA's own schema, and what others write is read, or refused, and never breaks us."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall.kernel.errors import Invalid
from cityhall.kernel.places.point import Point
from cityhall.services.safety import eido

PUBLISHED = Path(__file__).parents[4] / "shared" / "data" / "safety" / "eido"
AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
AGENCY = "desk.example.org"
NAME = eido.identifier("port-city", 77, AGENCY)
FULL = eido.Incident(
    NAME,
    AGENCY,
    "77",
    "medical",
    0,
    AT,
    place="Rua X 7 <back door>",
    point=Point(-51.2, -30.03),
    accuracy_m=12.5,
    phone="+351900000",
    notes=((AT, "He does <b>not</b> breathe & lies there"), (AT, "Second floor")),
)
BARE = eido.Incident(NAME, AGENCY, "77", "panic", 1, AT)
DOCUMENTS = {
    "full": eido.incident(FULL),
    "bare": eido.incident(BARE),
    "acknowledged": eido.answer(NAME, AGENCY, AT, owns=True),
    "refused": eido.answer(NAME, AGENCY, AT, owns=False, reason="Not our side of the river"),
}
_TEXT = {"type": "string", "minLength": 1}
_REFERENCE = {"type": "object", "required": ["$ref"], "properties": {"$ref": _TEXT}, "additionalProperties": False}


def _part(required: list[str], **properties: Any) -> dict[str, Any]:
    always = {"$id": _TEXT, "lastUpdateTimeStamp": {**_TEXT, "format": "date-time"}}
    return {
        "type": "object",
        "required": [*always, "updatedByAgencyReference", *required],
        "properties": {**always, "updatedByAgencyReference": _REFERENCE, **properties},
        "additionalProperties": False,
    }


def _many(part: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": part, "minItems": 1}


_REFERENCES = _many(_REFERENCE)
# What we write of the standard, and no more: a field that is not here is a mistake.
OURS = _part(
    ["eidoVersion", "issuingElementIdentification", "agencyComponent", "@context"],
    eidoVersion={"const": "1.0"},
    issuingElementIdentification=_TEXT,
    **{"@context": {"type": "object"}},
    agencyComponent=_many(
        _part(
            ["agencyRoleDescriptionRegistryText", "agencyType", "incidentOwningAgencyIndicator"],
            agencyRoleDescriptionRegistryText=_many(_TEXT),
            agencyType=_many(_TEXT),
            incidentOwningAgencyIndicator={"type": "boolean"},
        )
    ),
    incidentComponent=_part(
        ["incidentTypeCommonRegistryText", "incidentTypeInternalCode", "incidentTypeInternalText"],
        incidentTypeCommonRegistryText={"enum": sorted(set(eido.CODES.values()))},
        incidentTypeInternalCode=_TEXT,
        incidentTypeInternalText=_TEXT,
        incidentCommonPriorityNumber={"type": "integer"},
        internalIncidentId=_TEXT,
        locationReference=_REFERENCES,
        personReference=_REFERENCES,
        notesReference=_REFERENCES,
    ),
    locationComponent=_many(
        _part(
            ["locationTypeDescriptionRegistryText"],
            # Of NENA's registry of types of locations (NENA-STA-021.1a, section 3.8).
            locationTypeDescriptionRegistryText={"const": "CurrentIncident"},
            locationByValue=_TEXT,
            locationDescriptionText=_TEXT,
        )
    ),
    callbackComponent=_many(_part(["callBackInformationUri"], callBackInformationUri=_many(_TEXT))),
    personComponent=_many(
        _part(
            ["personIncidentRoleRegistryText"],
            personIncidentRoleRegistryText=_many(_TEXT),
            callBackReference=_REFERENCE,
        )
    ),
    notesComponent=_many(_part(["notesActionComments"], notesActionComments=_TEXT)),
)


def faults(schema: dict[str, Any], document: Any) -> list[str]:
    from jsonschema import Draft202012Validator

    checker = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [f"{list(one.path)}: {one.message}" for one in checker.iter_errors(document)]


def published() -> dict[str, Any]:
    """NENA's own schema, its references to parts of NIEM taken for anything: we write none of those."""
    import yaml

    found: dict[str, Any] = yaml.safe_load((PUBLISHED / "openapi.yaml").read_text())

    def plain(node: Any) -> Any:
        if isinstance(node, dict):
            if isinstance(to := node.get("$ref"), str):
                # Beside a reference OpenAPI 3.0 takes nothing else into account.
                return {"$ref": to} if to.startswith("#/") else {}
            # A stray comma of the document: `minItems: 1,`.
            return {key: plain(value) for key, value in node.items() if key != "minItems"}
        return [plain(one) for one in node] if isinstance(node, list) else node

    return {"$ref": "#/components/schemas/EmergencyIncidentDataObjectType", "components": plain(found["components"])}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_we_write_has_what_the_standard_wants(name: str) -> None:
    document = json.loads(json.dumps(DOCUMENTS[name]))
    assert faults(OURS, document) == []
    names = {one["$id"] for key, parts in document.items() if key.endswith("Component") for one in _parts(parts)}
    wanted = {one["$ref"] for one in references(document) if one["$ref"] != AGENCY}
    assert wanted <= names, "what is pointed at is in it"


def _parts(parts: Any) -> list[dict[str, Any]]:
    return parts if isinstance(parts, list) else [parts]


def references(node: Any) -> list[dict[str, str]]:
    if isinstance(node, list):
        return [found for one in node for found in references(one)]
    if not isinstance(node, dict):
        return []
    return [node] if "$ref" in node else [found for one in node.values() for found in references(one)]


def test_the_reduced_schema_finds_what_is_missing() -> None:
    for key in ("eidoVersion", "agencyComponent", "$id", "lastUpdateTimeStamp"):
        assert faults(OURS, {name: value for name, value in DOCUMENTS["full"].items() if name != key}), key
    assert faults(OURS, {**DOCUMENTS["full"], "dance": 1})


@pytest.mark.skipif(not PUBLISHED.exists(), reason="NENA's document is not here")
@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_we_write_is_valid_by_nenas_own_document(name: str) -> None:
    schema = published()
    assert faults(schema, json.loads(json.dumps(DOCUMENTS[name]))) == []
    assert faults(schema, {**DOCUMENTS[name], "eidoVersion": "2.0"})


def _names(schema: dict[str, Any], node: dict[str, Any]) -> set[str]:
    """Every name that NENA's document gives a type, its prologue's among them."""
    if isinstance(to := node.get("$ref"), str):
        *_before, name = to.split("/")
        node = schema["components"]["schemas"][name]
    own = set(node.get("properties", {}))
    return own.union(*(_names(schema, part) for part in node.get("allOf", ())))


@pytest.mark.skipif(not PUBLISHED.exists(), reason="NENA's document is not here")
@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_name_that_we_write_is_one_of_nenas(name: str) -> None:
    """Its document forbids no others, so that being valid says nothing of a name that is ours alone."""
    schema = published()
    types = {
        "incidentComponent": "IncidentInformationType",
        "agencyComponent": "AgencyType",
        "locationComponent": "LocationInformationType",
        "callbackComponent": "CallbackType",
        "personComponent": "PersonInformationType",
        "notesComponent": "NotesType",
    }
    document = DOCUMENTS[name]
    whole = _names(schema, {"$ref": "#/components/schemas/EmergencyIncidentDataObjectType"})
    assert set(document) <= whole
    for key in document.keys() & types.keys():
        known = _names(schema, {"$ref": f"#/components/schemas/{types[key]}"})
        assert len(known) > 3
        for part in _parts(document[key]):
            assert set(part) <= known, key


@pytest.mark.parametrize("kind", eido.CODES)
def test_each_of_our_kinds_has_a_code_that_leads_back_to_it(kind: str) -> None:
    about = eido.incident(eido.Incident(NAME, AGENCY, "7", kind, 1, AT))["incidentComponent"]
    assert eido.WORDS[kind] == about["incidentTypeInternalText"]
    del about["incidentTypeInternalCode"], about["incidentTypeInternalText"]
    assert eido.read({**DOCUMENTS["bare"], "incidentComponent": about}).kind == kind


def test_every_kind_of_an_alert_is_told() -> None:
    from cityhall.services.safety.models import Alert

    assert set(Alert.Kind.values) == set(eido.CODES) == set(eido.WORDS)


@pytest.mark.skipif(not PUBLISHED.exists(), reason="NENA's sample is not here")
def test_nenas_own_sample_is_read() -> None:
    read = eido.read(json.loads((PUBLISHED / "sample-call-transfer.json").read_text()))
    assert read.identifier == "urn:emergency:uid:incidentid:a56e556d871:bcf.state.pa.us"
    assert (read.agency, read.phone, read.owns, read.point) == ("state.pa.us", "8195551212", None, None)


def test_what_we_write_we_read_as_it_was() -> None:
    read = eido.read(json.loads(json.dumps(DOCUMENTS["full"])))
    assert (read.identifier, read.agency, read.kind, read.owns) == (NAME, AGENCY, "medical", True)
    assert (read.place, read.point, read.accuracy_m) == (FULL.place, FULL.point, FULL.accuracy_m)
    assert read.phone == FULL.phone and read.notes == tuple(text for _at, text in FULL.notes)
    assert eido.read(DOCUMENTS["refused"]).owns is False
    assert eido.read(DOCUMENTS["refused"]).notes == ("Not our side of the river",)
    assert eido.read(DOCUMENTS["bare"]).point is None


def test_an_incidents_name_leads_back_to_its_number_and_others_names_do_not() -> None:
    assert eido.number_in(NAME, "port-city", AGENCY) == 77
    for name in ("", NAME + "x", NAME.replace("example", "other"), NAME.replace("portcity", "portcitx")):
        assert eido.number_in(name, "port-city", AGENCY) is None
    assert eido.number_in(eido.identifier("a", 10**15, AGENCY), "a", AGENCY) == 10**15


@pytest.mark.parametrize(
    ("about", "kind"),
    [
        ({"incidentTypeCommonRegistryText": "Structure Fire"}, "fire"),
        ({"incidentTypeCommonRegistryText": "Medical"}, "medical"),
        ({"incidentTypeCommonRegistryText": "FSTRU"}, "fire"),
        ({"incidentTypeCommonRegistryText": "cardiac"}, "medical"),
        ({"incidentTypeCommonRegistryText": "SEXOFFNS"}, "harassment"),
        ({"incidentTypeCommonRegistryText": "MVAINJY"}, "unknown"),
        ({"incidentTypeCommonRegistryText": "Parking"}, "unknown"),
        ({"incidentTypeInternalCode": "harassment"}, "harassment"),
        ({"incidentTypeInternalCode": 7}, "unknown"),
    ],
)
def test_kinds_of_others(about: dict[str, Any], kind: str) -> None:
    assert eido.read({**DOCUMENTS["bare"], "incidentComponent": about}).kind == kind


@pytest.mark.parametrize(
    "pidf",
    [
        "no xml",
        "<a/>",
        "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        '<a xmlns:g="http://www.opengis.net/gml"><g:pos>91 0</g:pos></a>',
        '<a xmlns:g="http://www.opengis.net/gml"><g:pos>nan 0</g:pos></a>',
        '<a xmlns:g="http://www.opengis.net/gml"><g:pos>1</g:pos></a>',
    ],
)
def test_a_place_that_cannot_be_read_loses_no_incident(pidf: str) -> None:
    document = {**DOCUMENTS["bare"], "locationComponent": [{"locationByValue": pidf}]}
    assert eido.read(document).point is None


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*DOCUMENTS["full"], "$ref"]), inner),
    max_leaves=20,
)


@given(_ANY, st.sampled_from(sorted(DOCUMENTS["full"])))
def test_no_document_breaks_the_reader(value: Any, key: str) -> None:
    for document in (value, {**DOCUMENTS["full"], key: value}):
        try:
            read = eido.read(document)
        except Invalid:
            continue
        assert len(read.identifier) <= eido.LONGEST_ID and "\0" not in read.identifier + read.place + read.phone
