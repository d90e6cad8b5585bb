"""How well the check of driving clips finds faults, and how often it cries wolf, on seeded synthetic clips.

    python benchmarks/check_quality.py [--seed 6000] [--json]

64 clips of 3 s, 18 clean and 46 with a known fault (tests/run/check_clips.py), each through a real H.264 file.
Thresholds were set on seeds 0 to 63; the figures that count are those of other seeds.

recall: of the (clip, fault) pairs that were put in, the share that was found.
false alarms: of the (clip, code) pairs that were neither put in nor a plain consequence of what was put in, the
share that was reported as a warning; and, stricter, the share of clean clips with any warning at all.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from motion_transfer.run.check import CheckReport, check_driving_video
from motion_transfer.run.findings import CODES
from motion_transfer.run.host import LocalHost

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "run"))
HELD_OUT = 6000


@dataclass(frozen=True)
class Outcome:
    """What the check said of one clip."""

    name: str
    expected: frozenset[str]
    allowed: frozenset[str]
    warned: frozenset[str]
    told: frozenset[str]
    late_seconds: float
    """How far a reported time lies outside the true one, 0 where there is none."""

    @property
    def missed(self) -> frozenset[str]:
        return self.expected - self.warned - self.told

    @property
    def wrong(self) -> frozenset[str]:
        return self.warned - self.expected - self.allowed


def outcome(clip, report: CheckReport) -> Outcome:
    late = 0.0
    for finding in report.findings:
        if finding.code in clip.when:
            start, stop = clip.when[finding.code]
            late = max(late, start - finding.start_seconds, finding.stop_seconds - stop)
    return Outcome(
        clip.name, clip.expected, clip.allowed,
        frozenset(f.code for f in report.findings if f.level != "tell"),
        frozenset(f.code for f in report.findings if f.level == "tell"),
        late,
    )  # fmt: skip


def look_at_all(first_seed: int, said=lambda outcome: None) -> list[Outcome]:
    """The check's answers for the 64 clips of one set of seeds."""
    from check_clips import make, recipes

    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        for recipe, seed in recipes(first_seed):
            clip = make(recipe, seed)
            path = clip.write(Path(folder))
            outcomes.append(outcome(clip, check_driving_video(path, LocalHost())))
            path.unlink()
            said(outcomes[-1])
    return outcomes


def figures(outcomes: list[Outcome]) -> dict:
    put_in, found, wrong, plain = Counter(), Counter(), Counter(), Counter()
    for o in outcomes:
        put_in.update(o.expected)
        found.update(o.expected - o.missed)
        wrong.update(o.wrong)
        plain.update(set(CODES) - o.expected - o.allowed)
    clean = [o for o in outcomes if not o.expected]
    return {
        "clips": len(outcomes),
        "recall": found.total() / put_in.total(),
        "false_alarms": wrong.total() / plain.total(),
        "clean_clips_with_a_warning": sum(bool(o.wrong) for o in clean) / len(clean),
        "faulty_clips_with_a_wrong_warning": sum(bool(o.wrong) for o in outcomes if o.expected)
        / max(1, len(outcomes) - len(clean)),
        "codes": {c: {"put_in": put_in[c], "found": found[c], "plain": plain[c], "wrong": wrong[c]} for c in CODES},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=HELD_OUT, help="of the first clip")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()

    def say(o: Outcome) -> None:
        if o.missed or o.wrong:
            print(f"{o.name}: missed {sorted(o.missed)}, wrong {sorted(o.wrong)}", file=sys.stderr)

    start = time.perf_counter()
    outcomes = look_at_all(asked.seed, say)
    result = figures(outcomes)
    if asked.json:
        print(json.dumps(result, indent=2))
        return
    print(f"{result['clips']} clips from seed {asked.seed}, {time.perf_counter() - start:.0f} s with their making")
    print(f"recall {result['recall']:.1%}, false alarms {result['false_alarms']:.1%} of all (clip, code) pairs")
    print(f"clean clips with any warning {result['clean_clips_with_a_warning']:.1%}")
    print(f"faulty clips with a wrong warning beside {result['faulty_clips_with_a_wrong_warning']:.1%}")
    print(f"times told: at most {max(o.late_seconds for o in outcomes):.2f} s outside the fault")
    for code, c in result["codes"].items():
        print(f"  {code:15s} found {c['found']:2d} of {c['put_in']:2d}   wrong {c['wrong']:2d} of {c['plain']:2d}")


if __name__ == "__main__":
    main()
