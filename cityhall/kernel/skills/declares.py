"""What a service may declare that it does for whoever asks."""

from __future__ import annotations

from dataclasses import dataclass

from cityhall.kernel.service import Path, Text


@dataclass(frozen=True, slots=True)
class Skill:
    """Something a person may ask for in a conversation: the window offers it, the service's action does it.

    `action` names a function (actor, **slots) -> dict, in which "text" is what to answer; `slots` are the values it
    takes, by name. `page` is where people do it by hand.
    """

    slug: str
    name: Text
    examples: tuple[Text, ...]
    action: Path
    slots: tuple[str, ...] = ()
    page: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page that people ask for by what they need: found by its `name` and `words` in every language of the city.

    Each of `words` is some words or phrases, parted by commas; `about` says in a sentence what is there.
    """

    name: Text
    url: str
    about: Text = ""
    words: tuple[Text, ...] = ()
    icon: str = "arrow"
