"""Seeded driving clips with a known fault, and clean ones, to try the check of driving clips on.

Each recipe draws its numbers from a generator, so that another seed is another clip of the same kind. What a
fault brings with it (a person who walks out of the picture also touches its border) is listed as allowed: such
a finding counts neither as right nor as wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from check_scenes import BACKGROUNDS, TEXTURED, Cover, Person, Scene, cartoon, room, write_film

Rng = np.random.Generator
SIZES = ((640, 360), (640, 360), (854, 480), (480, 640))


@dataclass
class Clip:
    """One film and what the check should say of it."""

    kind: str
    seed: int
    frames: np.ndarray
    rate: Fraction
    expected: frozenset[str] = frozenset()
    allowed: frozenset[str] = frozenset()
    when: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Of codes with a place in time: when the fault is there, in seconds."""
    crf: int = 21
    stamps_ms: np.ndarray | None = None

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.seed}"

    def write(self, folder: Path) -> Path:
        path = folder / f"{self.name}.mp4"
        return write_film(path, self.frames, self.rate, crf=self.crf, stamps_ms=self.stamps_ms)


def scene(rng: Rng, *, backgrounds: tuple = BACKGROUNDS, **changes: object) -> Scene:
    """A good clip: one person, whole, large enough, a still camera."""
    size = SIZES[rng.integers(len(SIZES))]
    height = float(rng.uniform(0.55, 0.8))
    if size[0] < size[1]:
        height = float(rng.uniform(0.45, 0.6))  # arms stretched out stay in a narrow picture
    person = Person(
        height=height,
        x=float(rng.uniform(0.47, 0.53)),
        foot=float(rng.uniform(0.9, 0.94)),
        start=float(rng.uniform(0, 144)),
        speed=float(rng.uniform(0.7, 1.3)),
        mirror=bool(rng.integers(2)),
        colours=((0, 1, 2), (0, 1, 2), (0, 2, 1))[rng.integers(3)],
    )
    kind = backgrounds[rng.integers(len(backgrounds))]
    parts: dict = {
        "background": kind(rng, size),
        "size": size,
        "rate": Fraction((24, 25, 30)[rng.integers(3)]),
        "people": [person],
        "seconds": float(rng.uniform(2.6, 3.4)),
        "grain": float(rng.uniform(0.0, 2.5)),
        "seed": int(rng.integers(1 << 30)),
    }
    light = float(rng.uniform(0.75, 1.1))
    parts["gain"] = lambda k: light
    return Scene(**{**parts, **changes})


def film(kind: str, seed: int, rng: Rng, s: Scene, expected: str = "", allowed: str = "", **more: object) -> Clip:
    return Clip(
        kind, seed, s.frames(), s.rate, frozenset(expected.split()), frozenset(allowed.split()),
        crf=int(rng.integers(18, 25)), **more,
    )  # fmt: skip


# Clean.


def clean(seed: int, rng: Rng) -> Clip:
    return film("clean", seed, rng, scene(rng))


def clean_fast(seed: int, rng: Rng) -> Clip:
    s = scene(rng)
    s.people[0].speed = float(rng.uniform(1.8, 2.3))
    return film("clean_fast", seed, rng, s)


def clean_slow(seed: int, rng: Rng) -> Clip:
    s = scene(rng, grain=float(rng.uniform(0.0, 0.4)))
    s.people[0].speed, s.people[0].height = 0.5, float(rng.uniform(0.4, 0.5))
    return film("clean_slow", seed, rng, s)


def clean_cartoon(seed: int, rng: Rng) -> Clip:
    return film("clean_cartoon", seed, rng, scene(rng, backgrounds=(cartoon,), grain=0.0))


def clean_dark(seed: int, rng: Rng) -> Clip:
    light = float(rng.uniform(0.4, 0.5))
    return film("clean_dark", seed, rng, scene(rng, gain=lambda k: light))


def clean_crossing(seed: int, rng: Rng) -> Clip:
    """She walks across; the camera stays."""
    s = scene(rng)
    way = float(rng.uniform(0.10, 0.18)) * (-1) ** int(rng.integers(2))
    if s.size[0] < s.size[1]:
        way *= 0.4
    s.people[0].path = lambda t: (way * (t / s.seconds - 0.5), 0.0)
    return film("clean_crossing", seed, rng, s)


def clean_fading(seed: int, rng: Rng) -> Clip:
    """A cloud: the light changes slowly."""
    period = float(rng.uniform(90, 140))
    return film("clean_fading", seed, rng, scene(rng, gain=lambda k: 0.9 + 0.15 * np.sin(2 * np.pi * k / period)))


def clean_waist_up(seed: int, rng: Rng) -> Clip:
    """The legs are below the picture throughout: a way of filming, not a fault."""
    s = scene(rng)
    narrow = s.size[0] < s.size[1]
    s.people[0].height = float(rng.uniform(0.62, 0.68)) if narrow else float(rng.uniform(1.25, 1.4))
    s.people[0].foot = 1.22 if narrow else float(rng.uniform(1.62, 1.68))
    # The arms hang or are bent in the first two seconds of the dance; later they are stretched far out.
    s.people[0].start, s.people[0].speed = 0.0, 0.5
    return film("clean_waist_up", seed, rng, s, allowed="hands_out feet_out" if narrow else "feet_out hands_out")


# Faults.


def cut(seed: int, rng: Rng) -> Clip:
    """To another place."""
    a = scene(rng)
    b = scene(rng, size=a.size, rate=a.rate)
    while b.background.shape != a.background.shape:
        b = scene(rng, size=a.size, rate=a.rate)
    b.people[0].height = a.people[0].height
    one, two = a.frames(), b.frames()
    at = int(rng.uniform(0.3, 0.7) * len(one))
    frames = np.concatenate([one[:at], two[at:]]) if len(two) > at + 4 else np.concatenate([one[:at], two])
    when = at / float(a.rate)
    return Clip("cut", seed, frames, a.rate, frozenset({"cut"}), when={"cut": (when, when)})


def cut_closer(seed: int, rng: Rng) -> Clip:
    """In the same place, to a nearer view of a later moment."""
    a = scene(rng, backgrounds=TEXTURED)
    at = float(rng.uniform(0.35, 0.65)) * a.seconds
    nearer = float(rng.uniform(1.35, 1.6))
    a.camera = lambda t: (0.0, 0.02, nearer, 0.0) if t >= at else (0.0, 0.0, 1.0, 0.0)
    when = np.ceil(at * float(a.rate)) / float(a.rate)
    return film("cut_closer", seed, rng, a, "cut", "feet_out hands_out border", when={"cut": (when, when)})


def pan(seed: int, rng: Rng) -> Clip:
    s = scene(rng, backgrounds=TEXTURED)
    way = float(rng.uniform(0.10, 0.22)) * (-1) ** int(rng.integers(2))
    s.camera = lambda t: (way * (t / s.seconds - 0.5), 0.0, 1.0, 0.0)
    return film("pan", seed, rng, s, "camera", "hands_out")


def following_pan(seed: int, rng: Rng) -> Clip:
    """The camera keeps the dancer in the middle while she travels."""
    s = scene(rng, backgrounds=TEXTURED)
    way = float(rng.uniform(0.25, 0.5)) * (-1) ** int(rng.integers(2))
    s.camera = lambda t: (way * (t / s.seconds - 0.5), 0.0, 1.0, 0.0)
    s.people[0].path = lambda t: (way * (t / s.seconds - 0.5), 0.0)
    return film("following_pan", seed, rng, s, "camera")


def zoom(seed: int, rng: Rng) -> Clip:
    s = scene(rng, backgrounds=TEXTURED)
    s.people[0].height *= 0.85
    factor = float(rng.uniform(1.25, 1.45))
    s.camera = lambda t: (0.0, 0.08 * t / s.seconds, factor ** (t / s.seconds), 0.0)
    return film("zoom", seed, rng, s, "camera", "hands_out feet_out border")


def shake(seed: int, rng: Rng) -> Clip:
    """From the hand."""
    s = scene(rng, backgrounds=TEXTURED)
    size = float(rng.uniform(0.010, 0.020))
    f = rng.uniform(1.5, 4.0, 3)
    s.camera = lambda t: (
        size * np.sin(6.28 * f[0] * t), 0.7 * size * np.sin(6.28 * f[1] * t + 1), 1.0, 60 * size * np.sin(6.28 * f[2] * t),
    )  # fmt: skip
    return film("shake", seed, rng, s, "camera", "blur")


def another(rng: Rng, s: Scene, height: float, side: float) -> Person:
    first = s.people[0]
    return Person(
        height=height, x=first.x + side, foot=first.foot - 0.2 * (first.height - height), start=first.start + 50,
        speed=float(rng.uniform(0.7, 1.2)), mirror=not first.mirror, colours=(2, 1, 0),
    )  # fmt: skip


def wide_scene(rng: Rng) -> Scene:
    s = scene(rng)
    while s.size[0] < s.size[1]:
        s = scene(rng)
    s.people[0].height = float(rng.uniform(0.55, 0.65))
    return s


def two_people(seed: int, rng: Rng) -> Clip:
    s = wide_scene(rng)
    s.people[0].x = 0.3
    s.people.append(another(rng, s, s.people[0].height * float(rng.uniform(0.85, 1.0)), 0.4))
    return film("two_people", seed, rng, s, "several_people", "hands_out hidden border")


def bystander(seed: int, rng: Rng) -> Clip:
    """Smaller, behind, at one side."""
    s = wide_scene(rng)
    side = (-1) ** int(rng.integers(2))
    s.people[0].x = 0.5 - 0.12 * side
    s.people.insert(0, another(rng, s, s.people[0].height * float(rng.uniform(0.5, 0.7)), 0.42 * side))
    s.people[0].foot = 0.82
    return film("bystander", seed, rng, s, "several_people", "hands_out hidden border")


def passer_by(seed: int, rng: Rng) -> Clip:
    """Comes into the picture for the second half of the clip."""
    s = wide_scene(rng)
    side = (-1) ** int(rng.integers(2))
    s.people[0].x = 0.5 - 0.14 * side
    other = another(rng, s, s.people[0].height * float(rng.uniform(0.75, 1.0)), 0.38 * side)
    other.seconds = (0.5 * s.seconds, 1e9)
    other.path = lambda t: (0.08 * side * (1 - t / s.seconds), 0.0)
    s.people.insert(0, other)
    return film("passer_by", seed, rng, s, "several_people", "hands_out hidden border cut")


def table(seed: int, rng: Rng) -> Clip:
    """Something stands before the legs for a part of the clip."""
    s = scene(rng)
    p = s.people[0]
    top = p.foot - float(rng.uniform(0.42, 0.5)) * p.height
    stop = 0.25 * s.seconds + float(rng.uniform(1.2, 1.8))
    s.covers = [Cover((0.15, top, 0.85, 1.0), tuple(rng.integers(40, 160, 3).tolist()), (0.25 * s.seconds, stop))]
    return film("table", seed, rng, s, "hidden", "feet_out cut nobody", when={"hidden": (0.25 * s.seconds, stop)})


def plant(seed: int, rng: Rng) -> Clip:
    """A plant before one side of the body."""
    s = scene(rng)
    p = s.people[0]
    p.x, p.start, p.speed = 0.5, 0.0, 0.6
    half = 0.5 * p.height * s.size[1] / s.size[0]
    side = (-1) ** int(rng.integers(2))
    x0, x1 = sorted((p.x + 0.04 * side * p.height, p.x + side * 1.3 * half))
    s.covers = [Cover((x0, p.foot - 0.8 * p.height, x1, 1.0), (52, 96, 48), leafy=False)]
    return film("plant", seed, rng, s, "hidden", "hands_out feet_out")


def leaves(seed: int, rng: Rng) -> Clip:
    """She walks out of the picture."""
    s = scene(rng)
    away = (-1) ** int(rng.integers(2))
    s.people[0].path = lambda t: (away * max(0.0, t - 0.8) * 1.1, 0.0)
    return film("leaves", seed, rng, s, "nobody", "hands_out feet_out border hidden several_people")


def empty(seed: int, rng: Rng) -> Clip:
    return film("empty", seed, rng, scene(rng, people=[], backgrounds=(room, *TEXTURED)), "nobody")


def defocus(seed: int, rng: Rng) -> Clip:
    """For a part of the clip."""
    s = scene(rng)
    start = float(rng.uniform(0.4, 1.0))
    stop = start + float(rng.uniform(0.5, 0.9))
    sigma = float(rng.uniform(0.009, 0.015))
    s.blur = lambda t: sigma if start <= t < stop else 0.0
    return film("defocus", seed, rng, s, "blur", "hidden camera", when={"blur": (start, stop)})


def blurred(seed: int, rng: Rng) -> Clip:
    sigma = float(rng.uniform(0.010, 0.016))
    s = scene(rng, blur=lambda t: sigma)
    return film("blurred", seed, rng, s, "blur", "hidden")


def smeared(seed: int, rng: Rng) -> Clip:
    """Motion blur, now and then."""
    length, period = float(rng.uniform(0.03, 0.05)), float(rng.uniform(0.7, 1.0))
    s = scene(rng, smear=lambda t: length if t % period < 0.2 else 0.0)
    return film("smeared", seed, rng, s, "blur", "hidden camera")


def odd_rate(seed: int, rng: Rng) -> Clip:
    s = scene(rng, rate=Fraction((12, 15, 50, 60)[rng.integers(4)]), seconds=2.5)
    return film("odd_rate", seed, rng, s, "rate")


def uneven(seed: int, rng: Rng) -> Clip:
    """A variable rate, as phones make it in the dark."""
    s = scene(rng, rate=Fraction(25))
    count = round(s.seconds * s.rate)
    steps = rng.choice([33, 40, 50, 66], count)
    return film("uneven", seed, rng, s, "variable_rate", "rate", stamps_ms=np.concatenate([[0], np.cumsum(steps[:-1])]))


def repeated(seed: int, rng: Rng, keep: Callable[[int], int], kind: str) -> Clip:
    clip = film(kind, seed, rng, scene(rng), "repeats")
    clip.frames = clip.frames[[keep(k) for k in range(len(clip.frames))]]
    return clip


def on_twos(seed: int, rng: Rng) -> Clip:
    return repeated(seed, rng, lambda k: k - k % 2, "on_twos")


def pulled_up(seed: int, rng: Rng) -> Clip:
    """Every fourth or fifth frame twice: 18 or 24 frames/s made 24 or 30."""
    n = int(rng.integers(4, 6))
    return repeated(seed, rng, lambda k: k - (k % n == n - 1), "pulled_up")


def flicker(seed: int, rng: Rng) -> Clip:
    """A lamp against the shutter: light and dark in turn, or a beat of a few frames."""
    depth, period = float(rng.uniform(0.04, 0.09)), float(rng.uniform(2.0, 5.0))
    s = scene(rng, gain=lambda k: 0.9 * (1 + depth * np.cos(2 * np.pi * k / period + 0.4)))
    return film("flicker", seed, rng, s, "flicker")


def flicker_at_random(seed: int, rng: Rng) -> Clip:
    gains = 0.9 * (1 + float(rng.uniform(0.05, 0.08)) * rng.standard_normal(400))
    return film("flicker_at_random", seed, rng, scene(rng, gain=lambda k: float(gains[k])), "flicker")


def far_away(seed: int, rng: Rng) -> Clip:
    s = scene(rng)
    s.people[0].height, s.people[0].foot = float(rng.uniform(0.15, 0.2)), 0.8
    return film("far_away", seed, rng, s, "small", "hidden blur")


def feet_cut_off(seed: int, rng: Rng) -> Clip:
    s = scene(rng)
    s.people[0].foot = 1.0 + 0.06 * s.people[0].height + float(rng.uniform(0.0, 0.03))
    return film("feet_cut_off", seed, rng, s, "feet_out", "border")


def hands_cut_off(seed: int, rng: Rng) -> Clip:
    """A picture too narrow for stretched arms."""
    s = scene(rng)
    # Arms are wide between frames 50 and 100 of the dance.
    s.people[0].start, s.people[0].speed, s.people[0].x = 48.0, 0.7, 0.5
    s.people[0].height = min(0.8, s.people[0].height)
    frames = s.frames()
    half = int(0.27 * s.people[0].height * s.size[1]) // 2 * 2
    middle = s.size[0] // 2
    frames = np.ascontiguousarray(frames[:, :, max(0, middle - half) : middle + half])
    return Clip("hands_cut_off", seed, frames, s.rate, frozenset({"hands_out"}), frozenset({"border", "hidden"}))


CLEAN = (
    clean, clean, clean, clean, clean_fast, clean_fast, clean_slow, clean_slow, clean_cartoon, clean_cartoon,
    clean_dark, clean_dark, clean_crossing, clean_crossing, clean_fading, clean_fading, clean_waist_up, clean_waist_up,
)  # fmt: skip
FAULTS = (
    cut, cut, cut_closer, cut_closer, pan, pan, following_pan, zoom, shake, shake, two_people, two_people, bystander,
    bystander, passer_by, passer_by, table, table, plant, leaves, leaves, empty, defocus, defocus, blurred, blurred,
    smeared, smeared, odd_rate, odd_rate, odd_rate, uneven, uneven, on_twos, on_twos, pulled_up, pulled_up, flicker,
    flicker, flicker_at_random, flicker_at_random, far_away, far_away, feet_cut_off, feet_cut_off, hands_cut_off,
)  # fmt: skip


def recipes(first_seed: int) -> list[tuple[Callable[[int, Rng], Clip], int]]:
    """64 clips: recipe and seed. Another `first_seed` gives other clips of the same kinds."""
    return [(recipe, first_seed + k) for k, recipe in enumerate((*CLEAN, *FAULTS))]


def make(recipe: Callable[[int, Rng], Clip], seed: int) -> Clip:
    return recipe(seed, np.random.default_rng(seed))
