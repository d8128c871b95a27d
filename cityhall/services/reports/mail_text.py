"""What somebody wrote in a mail, without what mail adds: quotations, signatures, the words of a telephone's maker.

There is a standard for one sign of a signature ("-- ", RFC 3676, section 4.3) and for none of the others, so what is
left may still say who wrote it: `tells_of_a_person` sees that, and the report then waits for an officer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

DASHES = re.compile(r"(--|—|_{5,}|-{5,}|={5,})\s*")
"""A signature's sign, or the line that Outlook draws above what it quotes."""
FORWARDED = re.compile(
    r"-{2,}\s*(original message|forwarded message|mensagem original|mensagem encaminhada|mensaje original|"
    r"mensaje reenviado|원본 메[시세]지|전달된 메[시세]지)\s*-{2,}.*",
    re.IGNORECASE,
)
WROTE = re.compile(
    r"((on|em|el|le)\b.{4,300}\b(wrote|escreveu|escribió|escribio)|.{4,300}(님이 작성|님이 썼습니다))\s*:",
    re.IGNORECASE,
)
DATED = re.compile(r"(on|em|el|le)\b.{0,40}\d", re.IGNORECASE)
SENT_FROM = re.compile(
    r"(sent (from|with) |get outlook |enviad[oa] (do|de|desde|a partir do|pelo|por|com) |obt[eé]n outlook|"
    r"obtenha o outlook|나의 .{2,40}에서 보냄|.{2,40}에서 보냄).*",
    re.IGNORECASE,
)
FROM = re.compile(r"\*?(from|de|보낸 ?사람|보낸이)\s*:\*?\s*\S.*", re.IGNORECASE)
SENT = re.compile(r"\*?(sent|date|enviad[oa]( el| em)?|data|fecha|보낸 ?날짜|날짜)\s*:\*?\s*\S.*", re.IGNORECASE)
CLOSINGS = frozenset(
    "regards|kind regards|best regards|warm regards|with kind regards|best|best wishes|cheers|sincerely|"
    "yours sincerely|sincerely yours|yours faithfully|yours truly|yours|thanks|many thanks|thank you|"
    "thank you very much|thanks and regards|thanks in advance|thank you in advance|"
    "saludos|un saludo|saludos cordiales|un cordial saludo|"
    "atentamente|cordialmente|gracias|muchas gracias|gracias de antemano|atenciosamente|att|at.te|abraço|abraços|"
    "um abraço|obrigado|obrigada|muito obrigado|muito obrigada|desde já obrigado|desde já obrigada|grato|grata|"
    "cumprimentos|com os melhores cumprimentos|respeitosamente|감사합니다|고맙습니다|감사드립니다|수고하세요".split("|")
)
"""Lines that end what somebody has to say; their name comes next."""
SIGNED = re.compile(r"\S+(\s\S+){0,2}\s+(드림|올림|배상)\.?")
CONTACT = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{1,255}|\+?\(?\d(?:[\s().\-/]{0,2}\d){7,}")
"""An address of mail, or eight digits and more that stand together as a telephone's do."""
VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
QUOTING = ("gmail_quote", "gmail_signature", "gmail_attr", "moz-signature", "moz-cite-prefix", "yahoo_quoted")
"""Classes by which the large mail programs mark what is not the writer's own."""
QUOTED_FROM = ("divRplyFwdMsg", "appendonsend")
"""Ids behind which Outlook puts all that is quoted."""


LONGEST = 100_000
"""Characters that are read: a parser of HTML takes the square of a hostile text's length."""


class _Text(HTMLParser):
    """The own words of an HTML message; nothing of it is ever shown as HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.depth = 0
        self.over = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in VOID:
            self.words += ["\n"] if tag == "br" and not self.depth else []
            return
        known = {name: value or "" for name, value in attrs}
        self.over = self.over or known.get("id", "") in QUOTED_FROM
        quoting = any(part in QUOTING for part in known.get("class", "").split())
        if self.depth or tag in ("script", "style", "head", "blockquote") or quoting:
            self.depth += 1
        elif tag in ("p", "div", "li", "tr"):
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self.depth -= self.depth > 0 and tag not in VOID

    def handle_data(self, data: str) -> None:
        if not self.depth and not self.over:
            self.words.append(data)


def of_html(text: str) -> str:
    """The words of a message in HTML, without what it quotes. Raises AssertionError for some that is none."""
    reader = _Text()
    reader.feed(text[:LONGEST])
    return "".join(reader.words)


def own_words(text: str, name: str) -> str:
    """What is the writer's own of a mail's text; `name` is the sender's, with which a signature may begin."""
    return "\n".join(_own(text[:LONGEST].splitlines(), name.strip().casefold())).strip()


def _own(lines: list[str], name: str) -> Iterator[str]:
    said = False
    for at, line in enumerate(lines):
        bare = line.strip()
        if bare.startswith(">") or _introduces(lines, at):
            continue
        if _ends(bare, lines[at + 1 : at + 5]) or (said and _closes(bare, name)):
            return
        said = said or bool(bare)
        yield line


def _introduces(lines: list[str], at: int) -> bool:
    """Whether a line, or it and the one beside it, says who wrote what is quoted next: "On Monday, Maria wrote:"."""
    here = lines[at].strip()
    if WROTE.fullmatch(here):
        return True
    before = lines[at - 1].strip() if at else ""
    after = lines[at + 1].strip() if at + 1 < len(lines) else ""
    # Of two lines the first has the date, or somebody's own line before the one above would go along with it.
    return any(
        DATED.match(first) is not None and not WROTE.fullmatch(second) and WROTE.fullmatch(f"{first} {second}")
        for first, second in ((here, after), (before, here))
        if first and second
    )


def _ends(bare: str, following: list[str]) -> bool:
    """Whether here begins what the writer's program has added."""
    if DASHES.fullmatch(bare) or FORWARDED.fullmatch(bare) or SENT_FROM.fullmatch(bare):
        return True
    return FROM.fullmatch(bare) is not None and any(SENT.fullmatch(line.strip()) for line in following)


def _closes(bare: str, name: str) -> bool:
    """Whether the writer says goodbye, or only their name is left to say."""
    word = bare.strip(" .,;:!-–—*~").casefold()
    return word in CLOSINGS or (bool(name) and word == name) or SIGNED.fullmatch(bare) is not None


def tells_of_a_person(text: str, name: str) -> bool:
    """Whether a text has how somebody is reached, or the whole name of who sent it."""
    whole = " ".join(name.split()).casefold()
    return CONTACT.search(text) is not None or (" " in whole and whole in " ".join(text.split()).casefold())
