"""Jitter taken out of a driver's motion, before anything is compared with its frame at rest.

The picture moves by the difference of two sets of key points, so what is smoothed must be the driver alone: smoothing
the sum of source and driver would pull it away from the source that is not smoothed, and the head would shake more.

The filter is a random-walk smoother that runs forwards and backwards (Rauch, Tung and Striebel): in the middle of a
clip a two-sided exponential, without lag, of a standard deviation of sqrt(2 R/Q) frames.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from ..core import UsageError
from ..pose.clean import shot_edges
from .portrait_motion import EYE_POINTS, LIP_POINTS, POINTS, PortraitMotion
from .portrait_rotation import turn_matrices, turn_vectors

SECONDS_PER_STRENGTH = 0.02
"""Standard deviation for turn, place and size at strength 1."""
STRONGEST = 10.0
_STEP_VARIANCE = 1e-5
_START_VARIANCE = 1.0


def random_walk(values: np.ndarray, noise_variance: float | np.ndarray, step_variance: float = _STEP_VARIANCE) -> np.ndarray:  # fmt: skip
    """float64 `[T,...]`: `values` `[T,...]` without what a random walk does not explain. `noise_variance` R and
    `step_variance` Q as variances per value and frame, R a number or of the shape of one frame; the first state has
    variance 1. Equal to pykalman's `smooth` with these covariances, from one frame on."""
    values = np.asarray(values, np.float64)
    noise = np.broadcast_to(np.asarray(noise_variance, np.float64), values.shape[1:])
    means, gains, variance = values.copy(), [], np.full(values.shape[1:], _START_VARIANCE)
    for t in range(len(values)):
        if t:
            ahead = variance + step_variance
            gains.append(variance / ahead)
            means[t], variance = means[t - 1], ahead
        else:
            means[t] = values[0]
        trust = variance / (variance + noise)
        means[t] = means[t] + trust * (values[t] - means[t])
        variance = (1 - trust) * variance
    for t in range(len(values) - 2, -1, -1):
        means[t] += gains[t] * (means[t + 1] - means[t])
    return means


def noise_of_sigma(sigma_frames: float | np.ndarray) -> float | np.ndarray:
    """The R that gives a standard deviation of `sigma_frames`, for the standard Q."""
    return _STEP_VARIANCE * np.square(sigma_frames) / 2


def smooth(
    motion: PortraitMotion,
    rate: float | Fraction,
    strength: float = 2.0,
    reference: int = 0,
    cuts: Sequence[int] = (),
) -> PortraitMotion:
    """A driver's motion without jitter, each shot for itself; `rate` in frames a second, strength 0..10.

    Turn, place and logarithm of the size with a deviation of 20 ms times strength; the expression with half of that;
    eyes and lips with a quarter, for a blink lasts only a few frames. Turns are smoothed as vectors about the one of
    frame `reference`. Strength 0 gives back what came in.
    """
    if not 0 <= strength <= STRONGEST:
        raise UsageError(f"driving_smooth goes from 0 to {STRONGEST:g}, not {strength:g}.")
    if not float(rate) > 0:
        raise UsageError(f"A motion has more than 0 frames a second, not {float(rate):g}.")
    if not 0 <= reference < motion.num_frames:
        raise UsageError(f"The reference is frame {reference}, but the motion has {motion.num_frames} frames.")
    if strength == 0 or motion.num_frames == 1:
        return motion
    sigma = SECONDS_PER_STRENGTH * strength * float(rate)
    rest = motion.rotation[reference].astype(np.float64)
    pose = np.concatenate(
        [turn_vectors(motion.rotation @ rest.T), motion.translation, np.log(motion.scale.astype(np.float64))], axis=1
    )
    expression, pose_noise = motion.expression.astype(np.float64), noise_of_sigma(sigma)
    share = np.full((POINTS, 1), 0.5)
    share[[*EYE_POINTS, *LIP_POINTS]] = 0.25
    expression_noise = np.broadcast_to(noise_of_sigma(sigma * share), (POINTS, 3))
    for start, stop in itertools.pairwise(shot_edges(motion.num_frames, cuts)):
        pose[start:stop] = random_walk(pose[start:stop], pose_noise)
        expression[start:stop] = random_walk(expression[start:stop], expression_noise)
    return PortraitMotion(
        scale=np.exp(pose[:, 6:]).astype(np.float32),
        rotation=(turn_matrices(pose[:, :3]) @ rest).astype(np.float32),
        expression=expression.astype(np.float32),
        translation=pose[:, 3:6].astype(np.float32),
        eye_ratio=motion.eye_ratio,
        lip_ratio=motion.lip_ratio,
    )
