"""What a service may declare of vehicles: the kinds that it runs, and by which rules what others send is judged."""

from __future__ import annotations

from dataclasses import dataclass

from cityhall.kernel.service import Path, Text


@dataclass(frozen=True, slots=True)
class VehicleKind:
    """A kind of vehicle that the service runs: its slug is what the register keeps (at most 30 letters).

    `see` and `change` are the permissions to look at such vehicles in the register, and to enter and change them.
    Of a `hidden` kind only those may see vehicles whom the service lets: they are on no public page, layer or topic.
    A vehicle that sends positions though nobody has entered it is taken for the first kind that may be `found`.

    Vehicles are followed as they move freely, and `/live/vehicles-<slug>` has them for who may `see` them, or for
    everybody. Where they move on a network of the service's, `network` names the class that matches them on it, a
    `tracking.fleet.Fleet`: that keeps what they do there, and says on which topics they move. Kinds that name the same
    one share it.
    """

    slug: str
    name: Text
    see: str
    change: str
    hidden: bool = False
    found: bool = False
    network: Path = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules of a field by which a polled system's answers are judged.

    What breaks one is counted under the rule's name, a text that the regular expression `pattern` matches whole, and
    taken all the same. `home` is where the rules are explained.
    """

    pattern: str
    home: str
