"""Nothing is declared without a reader, and nothing is written that nobody starts.

Walks the source of the whole program and every manifest: a new kind of declaration, job, router or topic is looked at
without a line here.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from django.conf import settings
from django.test import Client
from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver
from ninja import Schema

from cityhall.kernel import live
from cityhall.kernel import service as manifests
from cityhall.kernel.live import LiveTopic
from cityhall.kernel.places.declares import Layer
from cityhall.kernel.ports.declares import Provides
from cityhall.kernel.service import Service, available, declared, resolve, rooms

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "cityhall"
PATH = re.compile(r"[a-z_][\w]*(\.\w+)+:\w+")
NO_KINDS = ("Service", "Message", "Due")
"""What stands beside them and is declared by nobody: the manifest itself, and what functions are given."""


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the program by its dotted name, but for migrations and benchmarks."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if not re.search(r"\.(migrations|bench|static)\b", name):
            found[name] = ast.parse(path.read_text())
    return found


def owners() -> list[Service]:
    return [*rooms(), *available().values()]


def kinds() -> dict[str, type[Any]]:
    """Every kind of declaration there is: the frozen dataclasses of each room's `declares`, and those that all have."""
    names = [name for name in modules() if name.endswith(".declares")]
    found = {}
    for module in (*map(import_module, names), live, manifests):
        for name, item in vars(module).items():
            own = dataclasses.is_dataclass(item) and getattr(item, "__module__", "") == module.__name__
            if own and name not in NO_KINDS:
                found[name] = item
    return found


def dotted(value: Any) -> Iterator[str]:
    """Every dotted path in a declaration, however deep."""
    if isinstance(value, str):
        if PATH.fullmatch(value):
            yield value
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from dotted(getattr(value, field.name))
    elif isinstance(value, dict):
        for one in value.values():
            yield from dotted(one)
    elif isinstance(value, tuple | list):
        for one in value:
            yield from dotted(one)


def test_every_declaration_is_of_a_known_kind_and_resolves() -> None:
    known, paths = tuple(kinds().values()), 0
    for owner in owners():
        for item in owner.declares:
            assert isinstance(item, known), f"{owner.slug} declares {item!r}, which no room reads"
            for path in dotted(item):
                resolve(path)
                paths += 1
    assert paths > 60


def test_manifests_are_read_before_django_is_ready() -> None:
    told = "from cityhall.kernel import service; print(len(service.rooms()), len(service.available()))"
    done = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and min(map(int, done.stdout.split())) >= 3, done.stderr


def readers(tree: ast.Module) -> Iterator[str]:
    """The kinds that a module asks for: `declared(Kind)`, `owner.of(Kind)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Name):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in ("declared", "of"):
                yield node.args[0].id


def test_every_kind_has_a_reader() -> None:
    read = {kind for tree in modules().values() for kind in readers(tree)}
    assert set(kinds()) - read == set()


def test_every_field_has_a_reader() -> None:
    """A field that is written in manifests and asked for nowhere is a promise that nobody keeps."""
    read = {
        node.attr
        for name, tree in modules().items()
        if not name.endswith((".declares", ".service", ".room")) or name == manifests.__name__
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }
    shown = "\n".join(path.read_text() for path in SOURCE.rglob("templates/**/*.html"))
    read |= set(re.findall(r"\.(\w+)", shown))
    unread = [
        f"{kind.__name__}.{field.name}"
        for kind in (*kinds().values(), Service)
        for field in dataclasses.fields(kind)
        if field.name not in read
    ]
    assert unread == []


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_every_kind_has_a_test_and_a_page(kind: str) -> None:
    page = (ROOT / "docs" / "declarations.md").read_text()
    assert re.search(rf"^\| `{kind}` \|", page, re.MULTILINE), f"docs/declarations.md says nothing of {kind}"
    ours = Path(__file__).name
    users = [path for path in (ROOT / "tests").rglob("*.py") if path.name != ours and _names(path, kind)]
    declaring = [owner.slug for owner in owners() if owner.of(kinds()[kind])]
    assert users or declaring, f"neither a test nor a service has a {kind}"


def _names(path: Path, kind: str) -> bool:
    return re.search(rf"\b{kind}\(", path.read_text()) is not None


def _form(function: Any) -> dict[str, tuple[Any, Any]]:
    """Name, kind and type of what a function takes, and the type of what it gives."""
    types = get_type_hints(function)
    taken = [one for one in inspect.signature(function).parameters.values() if one.name != "self"]
    return {one.name: (one.kind, types[one.name]) for one in taken} | {"return": (None, types["return"])}


def test_who_provides_a_port_is_of_its_form() -> None:
    """mypy does not see through a dotted path; of every port there is one that asks, and one provider at most."""
    provided = [(owner.slug, item) for owner in owners() for item in owner.of(Provides)]
    assert provided
    for slug, item in provided:
        assert _form(resolve(item.path)) == _form(item.port.__call__), f"{slug} does not provide {item.port}"
    ports = {name: tree for name, tree in modules().items() if name.startswith("cityhall.kernel.ports.")}
    written = {
        node.name
        for tree in ports.values()
        for node in tree.body
        if isinstance(node, ast.ClassDef) and any(getattr(base, "id", "") == "Protocol" for base in node.bases)
    }
    asked = {
        node.args[0].id
        for tree in modules().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ask" and isinstance(node.args[0], ast.Name)
    }
    names = [item.port.__name__ for _slug, item in provided]
    assert set(names) == written <= asked and len(names) == len(set(names))


def _made(name: str, tree: ast.Module, call: str) -> Iterator[str]:
    """The names that a module gives to what `call` makes: `router = Router(...)`."""
    for node in tree.body:
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if isinstance(value, ast.Call) and getattr(value.func, "id", "") == call:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target  # type: ignore[union-attr]
            yield f"{name}:{target.id}"  # type: ignore[union-attr]


def test_every_router_is_mounted() -> None:
    from cityhall.web.api import api

    mounted = {id(router) for _prefix, router in api._routers}
    made = [path for name, tree in modules().items() for path in _made(name, tree, "Router")]
    assert len(made) > 5
    # A router may stand within another one of its own service.
    inner = {id(entry[1]) for _prefix, router in api._routers for entry in router._routers}
    lost = [path for path in made if id(resolve(path)) not in mounted | inner]
    assert lost == []


def test_every_schema_of_the_api_has_a_name_of_its_own() -> None:
    """The document knows them by name: of two of one name it would tell of the first only."""
    from cityhall.web.api import api

    assert api.get_openapi_schema()["paths"]
    seen: dict[str, set[str]] = {}
    for kind in _under(Schema):
        if kind.__module__.startswith("cityhall."):
            seen.setdefault(kind.__name__, set()).add(kind.__module__)
    assert len(seen) > 40
    assert {name: modules for name, modules in seen.items() if len(modules) > 1} == {}


def _under(kind: type[Any]) -> Iterator[type[Any]]:
    for one in kind.__subclasses__():
        yield one
        yield from _under(one)


@pytest.mark.django_db
@pytest.mark.parametrize("verb", ["get", "post", "patch", "delete"])
def test_an_address_of_the_api_that_is_none_answers_as_the_document_says(verb: str) -> None:
    answer = getattr(Client(), verb)("/api/media/null,null")
    assert answer.status_code == 404 and answer.json()["code"] == "missing"
    page = Client().get("/nowhere/")
    assert page.status_code == 404 and "text/html" in page.headers["Content-Type"]


def _patterns(resolver: URLResolver) -> Iterator[Any]:
    for one in resolver.url_patterns:
        if isinstance(one, URLResolver):
            yield from _patterns(one)
        elif isinstance(one, URLPattern):
            yield one.callback


def test_every_page_of_ours_has_an_address() -> None:
    """Each module of addresses is included somewhere: a list that is not brings no page."""
    reached = {id(callback) for callback in _patterns(get_resolver())}
    for name in modules():
        if name.endswith(".urls") and name != settings.ROOT_URLCONF:
            own = import_module(name).urlpatterns
            callbacks = [one.callback for one in own if isinstance(one, URLPattern)]
            assert all(id(one) in reached for one in callbacks), f"{name} is included nowhere"


def published() -> set[str]:
    """The topic of every `publish(...)` of live updates, or how it begins."""
    found = set()
    for name, tree in modules().items():
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        if not any(node.module == live.__name__ and "publish" in {one.name for one in node.names} for node in imports):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "publish":
                found.add(_topic(import_module(name), tree, node.args[0]))
    return found


def _topic(module: Any, tree: ast.Module, asked: ast.expr) -> str:
    if isinstance(asked, ast.Constant):
        return str(asked.value)
    if isinstance(asked, ast.Name):
        return str(getattr(module, asked.id))
    assert isinstance(asked, ast.Call) and isinstance(asked.func, ast.Name), ast.dump(asked)
    function = getattr(module, asked.func.id)
    return str(function(*["\0"] * function.__code__.co_argcount)).partition("\0")[0]


@pytest.mark.django_db
def test_every_published_topic_has_a_door() -> None:
    # Of a sign-out the streams themselves hear, so that they end; nobody asks for it by name.
    topics = {topic for topic in published() if not topic.startswith("signed-out-")}
    assert {"vehicles", "arrivals", "fleet-room", "devices", "person-"} <= topics
    layers = {layer.live for _owner, layer in declared(Layer) if layer.live}
    prefixes = [topic.prefix for _owner, topic in declared(LiveTopic)]
    private = {"person-"}
    deaf = {
        topic
        for topic in topics
        if topic not in layers | private and not any(topic.startswith(prefix) for prefix in prefixes)
    }
    assert deaf == set()
    # And what a layer says it moves by is published by somebody.
    begins = tuple(topic for topic in topics if topic.endswith("-"))
    assert {layer for layer in layers - topics if not layer.startswith(begins)} == set()


@pytest.mark.django_db
def test_every_feed_of_a_manifest_is_listed_for_programmers() -> None:
    from cityhall.web.declares import Feed

    page = Client().get("/api/docs").content.decode()
    for _owner, feed in declared(Feed):
        assert f'href="{feed.path}"' in page


OLD = """
from cityhall.kernel.service import {wanted}, Service
SERVICE = Service(slug="old", name="Old", summary="", app="old", {more})
"""


@pytest.mark.parametrize(
    ("wanted", "more", "told"),
    [
        ("Layer", "layers=()", "cityhall.kernel.places.declares"),
        ("Path", 'urls="old.urls:urlpatterns"', r"declares=\(\.\.\.\)"),
    ],
)
def test_a_package_with_the_manifest_of_before_is_told_how_to_change_it(
    wanted: str, more: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from importlib.metadata import EntryPoint

    name = f"old_{wanted.lower()}"
    (tmp_path / f"{name}.py").write_text(OLD.format(wanted=wanted, more=more))
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(manifests.ServiceError, match=told):
        manifests._read(EntryPoint("old", f"{name}:SERVICE", "cityhall.services"))
