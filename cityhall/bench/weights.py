"""A season of weighings with scales that drift, crews that favour accounts and photographs used twice, planted and not.

Numbers are those of a city like Porto Alegre: 17.5 kg a weighing on average, 20 crews, households that mostly meet the
crew of their district. What a household announces is off by its own habit, and by chance.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from cityhall.engines.weights import Season, meetings, photos, shifts

KG = 17.5
CREWS = 20
BETWEEN, WITHIN, ANNOUNCED, HABIT = 0.35, 0.35, 0.2, 0.2
"""Spread of logarithms: of households' usual weights, of one's from time to time, of its word, of its habit."""
HOME = 0.6
"""Share of a household's weighings by the crew of its district."""
DRIFTS = (0.06, 0.1, 0.15)
"""By how much planted scales are off when they have drifted, both ways."""
FAVOURS = (1.6, 2.0, 2.5)
RAMP_DAYS = 21.0
"""A drift begins slowly."""
WORDS = ("saved anew", "smaller", "cut", "brighter")


@dataclass(frozen=True, slots=True)
class World:
    """A season, with the scales and pairs that were planted in it: scale -> share off, (crew, account) -> factor."""

    season: Season
    drifts: dict[int, float]
    pairs: dict[tuple[int, int], float]


def run(*, households: int, weeks: int, seasons: int, pictures: int, seed: int) -> dict[str, Any]:
    """What was planted, found, and found where nothing was. Raises ValueError for a season that says nothing."""
    if households < 200 or not 8 <= weeks <= 104 or not 1 <= seasons <= 100 or not 8 <= pictures <= 5000:
        raise ValueError("give 200 households, 8 to 104 weeks, 1 to 100 seasons and 8 to 5,000 pictures")
    drift, collusion = [], []
    clean = {"drift": 0, "collusion": 0}
    for number in range(seasons):
        with_drift = world(households, weeks, seed + number, drifts=True)
        drift.append(_drift(with_drift))
        with_pairs = world(households, weeks, seed + number, favours=True)
        collusion.append(_collusion(with_pairs))
        honest = world(households, weeks, seed + 1000 + number)
        clean["drift"] += len(shifts(honest.season))
        clean["collusion"] += len(meetings(honest.season))
    twice, never = _photos(pictures, seed)
    months = seasons * weeks * 7 / 30.4
    return {
        "weighings": seasons * len(with_drift.season.day),
        "drift": _summed(drift),
        "collusion": _summed(collusion),
        "photos": twice,
        "clean": {
            "months": round(months, 1),
            "drift_a_month": round(clean["drift"] / months, 3),
            "collusion_a_month": round(clean["collusion"] / months, 3),
            "photos": never["pictures"],
            "photos_false_alarms": never["false_alarms"],
        },
    }


def world(households: int, weeks: int, seed: int, *, drifts: bool = False, favours: bool = False) -> World:
    """A season of about a weighing a household every ten days."""
    rng = np.random.default_rng([seed, 17])
    count = int(households * weeks * 7 / 10)
    day = np.sort(rng.uniform(0, weeks * 7, count))
    account = rng.integers(0, households, count)
    home = rng.integers(0, CREWS, households)
    crew = np.where(rng.random(count) < HOME, home[account], rng.integers(0, CREWS, count))
    usual = rng.normal(0, BETWEEN, households)
    # Less in the holidays: what all scales see is no scale's doing.
    weekly = 0.1 * np.sin(2 * np.pi * day / 91)
    brought = usual[account] + weekly + rng.normal(0, WITHIN, count)
    announced = brought + rng.normal(0, HABIT, households)[account] + rng.normal(0, ANNOUNCED, count)
    weighed = brought.copy()
    planted: dict[int, float] = {}
    pairs: dict[tuple[int, int], float] = {}
    if drifts:
        for place, scale in enumerate(rng.choice(CREWS, len(DRIFTS), replace=False)):
            off = DRIFTS[place] * float(rng.choice([-1, 1]))
            begin = rng.uniform(0.35, 0.65) * weeks * 7
            planted[int(scale)] = off
            weighed += np.where(crew == scale, np.log1p(off) * np.clip((day - begin) / RAMP_DAYS, 0, 1), 0)
    if favours:
        for place, one in enumerate(rng.choice(households, 2 * len(FAVOURS), replace=False)):
            theirs, factor = int(home[one]), FAVOURS[place % len(FAVOURS)]
            mine = (account == one) & (crew == theirs)
            weighed[mine] += np.log(factor) + rng.normal(0, 0.1, int(mine.sum()))
            if place >= len(FAVOURS):
                # The half of them are careful, and announce as much.
                announced[mine] += np.log(factor)
            pairs[theirs, int(one)] = factor
    grams = np.maximum(50.0, 1000 * KG * np.exp(weighed - (BETWEEN**2 + WITHIN**2) / 2))
    expected = np.maximum(50.0, 1000 * KG * np.exp(announced - (BETWEEN**2 + WITHIN**2) / 2))
    return World(Season(day, crew, account, np.rint(grams), 100 * np.rint(expected / 100) + 100), planted, pairs)


def _drift(made: World) -> dict[str, Any]:
    found = {one.scale: one.off for one in shifts(made.season)}
    right = {scale for scale, off in made.drifts.items() if scale in found and found[scale] * off > 0}
    return _told(
        len(made.drifts),
        len(right),
        len(found.keys() - right),
        [(abs(made.drifts[s]), s in right) for s in made.drifts],
    )


def _collusion(made: World) -> dict[str, Any]:
    found = {(one.crew, one.account) for one in meetings(made.season)}
    right = found & made.pairs.keys()
    return _told(
        len(made.pairs), len(right), len(found - right), [(f, pair in right) for pair, f in made.pairs.items()]
    )


def _told(planted: int, found: int, false: int, sizes: list[tuple[float, bool]]) -> dict[str, Any]:
    return {"planted": planted, "found": found, "false_alarms": false, "sizes": sizes}


def _summed(rows: list[dict[str, Any]]) -> dict[str, Any]:
    planted, found, false = (sum(row[key] for row in rows) for key in ("planted", "found", "false_alarms"))
    sizes = [one for row in rows for one in row["sizes"]]
    by_size = {
        f"{size:g}": round(
            sum(hit for other, hit in sizes if other == size) / sum(other == size for other, _ in sizes), 3
        )
        for size in sorted({size for size, _hit in sizes})
    }
    return {
        "planted": planted,
        "found": found,
        "false_alarms": false,
        "recall": round(found / planted, 3) if planted else None,
        "recall_by_size": by_size,
    }


def photograph(rng: np.random.Generator) -> Image.Image:
    """A drawn photograph of one truck's scale: always the same ground and scale, with other bags, light and numbers."""
    ground = np.random.default_rng(5).normal(120, 18, (60, 80))
    image = Image.fromarray(np.clip(ground, 0, 255).astype(np.uint8)).resize((640, 480), Image.Resampling.BICUBIC)
    image = image.convert("RGB")
    draw = ImageDraw.Draw(image)
    draw.rectangle((120, 300, 520, 440), fill=(70, 74, 80))
    for _bag in range(int(rng.integers(3, 8))):
        x, y = rng.uniform(60, 480), rng.uniform(40, 300)
        wide, high = rng.uniform(60, 180), rng.uniform(60, 180)
        draw.ellipse((x, y, x + wide, y + high), fill=tuple(int(part) for part in rng.integers(20, 240, 3)))
    draw.rectangle((250, 390, 400, 430), fill=(20, 40, 20))
    draw.text((265, 398), f"{rng.uniform(2, 60):.2f} kg", fill=(120, 255, 120))
    light = np.linspace(rng.uniform(0.7, 1.1), rng.uniform(0.7, 1.1), 640)[None, :, None]
    lit = np.asarray(image, np.float64) * light + rng.normal(0, 6, (480, 640, 1))
    return Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.8))


def again(image: Image.Image, how: str, rng: np.random.Generator) -> bytes:
    """The same photograph as it comes the second time: one of WORDS, always saved anew."""
    quality = int(rng.integers(45, 80))
    if how == "smaller":
        share = rng.uniform(0.4, 0.8)
        image = image.resize((round(image.width * share), round(image.height * share)))
    elif how == "cut":
        left, top, right, bottom = rng.uniform(0, 0.08, 4)
        wide, high = image.size
        image = image.crop(
            (round(left * wide), round(top * high), round((1 - right) * wide), round((1 - bottom) * high))
        )
    elif how == "brighter":
        image = image.point([min(255, round(value * 1.2 + 8)) for value in range(256)] * 3)
    return jpeg(image, quality)


def jpeg(image: Image.Image, quality: int = 88) -> bytes:
    """A JPEG of a picture."""
    kept = io.BytesIO()
    image.save(kept, "JPEG", quality=quality)
    return kept.getvalue()


def _photos(pictures: int, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Every fourth is used again, changed by one of WORDS; all others are photographs of their own."""
    rng = np.random.default_rng([seed, 23])
    kept: list[photos.Mark] = []
    hits = {how: [0, 0] for how in WORDS}
    wrong = false = 0
    for number in range(pictures):
        image = photograph(rng)
        mine = photos.mark(io.BytesIO(jpeg(image)))
        assert mine is not None
        false += photos.same(mine, kept) is not None
        kept.append(mine)
        if number % 4 == 3:
            how = WORDS[number // 4 % len(WORDS)]
            other = photos.mark(io.BytesIO(again(image, how, rng)))
            near = photos.same(other, kept) if other is not None else None
            hits[how][0] += 1
            hits[how][1] += near is not None and near[0] == number
            wrong += near is not None and near[0] != number
    planted, found_all = (sum(one[place] for one in hits.values()) for place in (0, 1))
    told = {
        "planted": planted,
        "found": found_all,
        "false_alarms": int(wrong + false),
        "recall": round(found_all / planted, 3),
        "recall_by_kind": {how: round(right / many, 3) for how, (many, right) in hits.items() if many},
    }
    return told, {"pictures": pictures, "false_alarms": int(false)}
