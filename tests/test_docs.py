"""The pages for whoever builds on this say what is so: their code runs, and is the samples' own text."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

import click
import pytest
from django.conf import settings
from django.urls import resolve as address_of
from PIL import Image
from typer.main import get_command

from cityhall import kernel
from cityhall.cli import app, spread
from cityhall.kernel import service
from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import roles
from cityhall.kernel.service import resolve
from cityhall.kernel.vehicles import kinds
from cityhall.kernel.vehicles.models import Receiver
from tests.test_declarations import dotted

ROOT = Path(__file__).parents[1]
ROOMS = ROOT / "cityhall" / "kernel" / "README.md"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("cityhall/**/README.md")])
USE = sorted((ROOT / "docs" / "use").glob("*.md"))
BLOCK = re.compile(r"`(examples/[\w./]+)`[^`]*```\w+\n(.*?)```", re.DOTALL)


def test_every_room_of_the_kernel_has_its_paragraph_and_its_call() -> None:
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", ROOMS.read_text(), re.DOTALL | re.MULTILINE))
    assert set(sections) == {module.name for module in iter_modules(kernel.__path__)}
    for room, text in sections.items():
        told, fence, call = text.partition("```python")
        assert len(told.split()) > 10 and fence, room
        # The calls of the rooms that are one thing in the settings show that.
        assert f"cityhall.kernel.{room}" in call or f"cityhall.kernel import {room}" in call or room == "city", room


@pytest.mark.django_db(transaction=True)
def test_the_calls_of_the_rooms_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from django.db import transaction

    parks = ModuleType("parks")
    monkeypatch.setitem(sys.modules, "parks", parks)
    monkeypatch.setattr(settings, "CITY_FOLDER", tmp_path)
    photo = io.BytesIO()
    Image.new("RGB", (800, 600), "green").save(photo, "JPEG")
    olga = Person.objects.create_user("olga@example.org", name="olga")
    # The page is read in a city that has buses; which kinds there are is read once in a process.
    kinds.found_kind()
    vars(parks).update(actor=system("parks"), olga=olga, photo=photo.getvalue())
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", ROOMS.read_text(), re.DOTALL)):
        with transaction.atomic():
            exec(compile(code, f"{ROOMS.name}, block {number}", "exec"), vars(parks))
        if hasattr(parks, "SERVICE"):
            monkeypatch.setattr(service, "city_services", lambda: (parks.SERVICE,))
    assert parks.mine() == ["trees"] and parks.answer == {"text": "7"}
    assert parks.reading.value == 7 and parks.ours == ["parks.door"] and parks.steps == ["opened", "resolve"]
    assert parks.meant[0].name == "parks.count" and parks.folder.joinpath("trees.bin").exists()
    for item in parks.SERVICE.declares:
        for path in dotted(item):
            resolve(path)


@pytest.mark.django_db
def test_the_calls_of_the_page_about_vehicles_run() -> None:
    # What comes after the first block is the sample's.
    code, *_rest = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "use" / "vehicles.md").read_text(), re.DOTALL)
    page: dict[str, Any] = {}
    exec(compile(code, "vehicles.md", "exec"), page)
    assert len(page["equip"](system("boats"), "boat-1")) == 43
    assert page["known"]() == 1 and page["afloat"]() == []
    assert Receiver.objects.get().address == "mqtt"


def test_the_calls_of_the_page_about_ports_run(monkeypatch: pytest.MonkeyPatch) -> None:
    page = ModuleType("parking")
    monkeypatch.setitem(sys.modules, "parking", page)
    for code in re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "use" / "ports.md").read_text(), re.DOTALL):
        exec(compile(code, "ports.md", "exec"), vars(page))
    here = (-51.2, -30.0)
    assert page.told(here) == "Who knows where a bay is free?"
    monkeypatch.setattr(service, "city_services", lambda: (page.SERVICE,))
    assert page.told(here) == "3 bays are free."


def test_code_that_a_page_shows_of_a_sample_is_the_samples() -> None:
    """Each block of code in the pages stands, word for word, in the file it names."""
    shown = {page.stem: BLOCK.findall(page.read_text()) for page in PAGES}
    for page, blocks in shown.items():
        for name, block in blocks:
            assert block.strip() in (ROOT / name).read_text(), f"{name} is not what {page} shows"
    assert len(shown["add-a-service"]) >= 5
    assert [page.stem for page in USE if not shown[page.stem]] == ["ports"], "ports has calls of its own"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"


def test_pages_that_the_code_names_are_there() -> None:
    named = {
        (path, page)
        for path in [*(ROOT / "cityhall").rglob("*.py"), *(ROOT / "examples").rglob("*.py")]
        for page in re.findall(r"\bdocs/[\w/-]+\.md", path.read_text())
    }
    assert len(named) > 5
    assert [f"{path.name} names {page}" for path, page in sorted(named) if not (ROOT / page).exists()] == []


NAMED = re.compile(r"`((?:cityhall/)?(?:kernel|web|running|build|commands|services|engines)/[\w/-]+(?:\.py|/)?)`")


def test_modules_and_folders_that_pages_name_are_there() -> None:
    """`kernel/cases/workflow.py` in a page: what has moved takes its pages along."""
    named = {
        (str(page.relative_to(ROOT)), path.removeprefix("cityhall/"))
        for page in PAGES
        if page.name != "CHANGELOG.md" and page.parent.name != "decisions"  # These tell of what was.
        for path in NAMED.findall(page.read_text())
    }
    assert len(named) > 30
    below = ROOT / "cityhall"
    lost = [one for one in sorted(named) if not (below / one[1]).exists() and not (below / f"{one[1]}.py").exists()]
    assert lost == []


def test_no_page_is_empty() -> None:
    assert [page for page in PAGES if len(page.read_text()) < 100] == []


def commands() -> list[tuple[str, str]]:
    """Every line of the pages that runs `cityhall`: (page, what follows the name)."""
    found = []
    for page in (ROOT / "README.md", ROOT / "docs" / "running-a-city.md"):
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL):
            lines = [line.partition("#")[0].strip().removeprefix(".venv/bin/") for line in block.splitlines()]
            found += [(page.name, line.removeprefix("cityhall ")) for line in lines if line.startswith("cityhall ")]
    return found


@pytest.mark.parametrize(("page", "line"), commands())
def test_commands_that_pages_show_are_understood(page: str, line: str) -> None:
    command: Any = get_command(app)
    words = spread(line.split())
    context = click.Context(command)
    while isinstance(command, click.Group):
        name, command, words = command.resolve_command(context, words)
        context = click.Context(command, parent=context, info_name=name)
    # Reads every option and argument, and runs nothing.
    command.make_context(command.name, list(words), parent=context)


@pytest.mark.django_db
def test_addresses_and_roles_that_the_page_for_a_city_names_are_there() -> None:
    text = (ROOT / "docs" / "running-a-city.md").read_text()
    addresses = re.findall(r"`(/[\w/-]+/)`", text)
    assert len(addresses) >= 5
    for address in addresses:
        assert address_of(address).func
    named = {f"kernel.{role}" if "." not in role else role for role in re.findall(r"--role ([\w.]+)", text)}
    named |= set(re.findall(r"\| `([a-z]+\.[a-z]+)`", text))
    assert len(named) == 6 and named <= set(roles())
