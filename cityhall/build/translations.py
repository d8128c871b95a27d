"""The catalogues of messages: what there is to translate, and what is not translated yet.

`python -m cityhall.build.translations` brings `locale/*/LC_MESSAGES/django.po` up to date with the code; what is new
in them is empty until somebody writes it. The suite fails while anything is empty or uncertain. With a folder it does
the same for a service's package of its own: `... examples/lifeguards/lifeguards`.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from cityhall import __version__
from cityhall.build import say

PACKAGE = Path(__file__).resolve().parents[1]
LANGUAGES = ("es", "pt", "ko")
TEMPLATES = ("html", "txt", "webmanifest")
KEYWORDS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop")),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
}
Found = tuple[str, int, str | tuple[str, ...], str | None]


def _texts(package: Path) -> Iterator[Found]:
    """(file, line, message, context) of everything that is shown to people."""
    for path in sorted(package.rglob("*.py")):
        yield from _of(package, path, "python", path.read_bytes())
    for path in sorted(path for kind in TEMPLATES for path in package.rglob(f"templates/**/*.{kind}")):
        # Django turns a template into what an extractor for C-like languages can read.
        yield from _of(package, path, "javascript", templatize(path.read_text(encoding="utf-8")).encode())


def _of(package: Path, path: Path, method: str, text: bytes) -> Iterator[Found]:
    name = path.relative_to(package.parent).as_posix()
    for line, message, _, context in extract(method, io.BytesIO(text), KEYWORDS):
        yield name, line, message, context


def template(package: Path = PACKAGE) -> Catalog:
    """Every message of the package's code, without translations."""
    made = Catalog(project="Cityhall", charset="utf-8", fuzzy=False)
    for name, _, message, context in _texts(package):
        # Without line numbers: they would change with every edit of the code.
        made.add(message, locations=[(name, 0)], context=context, flags=_flags(message))
    return made


def _flags(message: str | tuple[str, ...]) -> tuple[str, ...]:
    text = message if isinstance(message, str) else " ".join(message)
    return ("python-format",) if "%(" in text else ()


def path_of(language: str, package: Path = PACKAGE) -> Path:
    """A language's catalogue."""
    return package / "locale" / language / "LC_MESSAGES" / "django.po"


def read(language: str, package: Path = PACKAGE) -> Catalog:
    """A language's catalogue as it is; empty where there is none."""
    path = path_of(language, package)
    if not path.exists():
        return Catalog(locale=language, charset="utf-8", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def missing(language: str, wanted: Catalog | None = None, package: Path = PACKAGE) -> list[str]:
    """Messages of the code that the language has no certain translation of."""
    known = {(message.id, message.context): message for message in read(language, package)}
    found = []
    for message in wanted or template(package):
        if not message.id:
            continue
        translated = known.get((message.id, message.context))
        if translated is None or translated.fuzzy or not _whole(translated.string or ""):
            found.append(message.id if isinstance(message.id, str) else message.id[0])
    return found


def _whole(texts: str | Sequence[str]) -> bool:
    return bool(texts) if isinstance(texts, str) else bool(texts) and all(texts)


def update(language: str, wanted: Catalog, package: Path = PACKAGE) -> None:
    """Brings a language's catalogue up to date: what is gone goes, what is new waits for its words."""
    catalog = read(language, package)
    catalog.update(wanted, no_fuzzy_matching=True, update_creation_date=False)
    catalog.obsolete.clear()
    catalog.project, catalog.version, catalog.fuzzy = "Cityhall", __version__, False
    catalog.header_comment = (
        "# Messages of Cityhall. Write a msgstr for each msgid; see cityhall/build/translations.py."
    )
    catalog.last_translator, catalog.language_team = "", ""
    catalog.msgid_bugs_address = ""
    path = path_of(language, package)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalog, width=110, sort_output=True, no_location=False, include_lineno=False, omit_header=False)


def main() -> None:
    """`python -m cityhall.build.translations [PACKAGE]`."""
    package = Path(sys.argv[1]).resolve() if sys.argv[1:] else PACKAGE
    wanted = template(package)
    for language in LANGUAGES:
        update(language, wanted, package)
        left = missing(language, wanted, package)
        say(f"{language}: {len(wanted) - len(left)} of {len(wanted)} messages")


if __name__ == "__main__":
    main()
