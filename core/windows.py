"""How a long timeline is cut into windows. Pure arithmetic: n frames in, n frames out, for every n >= 1."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """Frames start..stop (half open), of which the first `carried` were made by the window before."""

    index: int
    start: int
    stop: int
    carried: int

    @property
    def num_frames(self) -> int:
        return self.stop - self.start

    @property
    def first_new(self) -> int:
        """Index on the timeline of the first frame that this window adds."""
        return self.start + self.carried


def plan_windows(num_frames: int, window: int, overlap: int = 0) -> tuple[Window, ...]:
    """Windows of at most `window` frames, each beginning with `overlap` frames of the one before.

    Every frame is new in exactly one window, in order. The last window may be shorter.
    """
    if num_frames < 1 or window < 1:
        raise ValueError(f"a plan needs at least one frame and a window of one, not {num_frames} and {window}")
    if not 0 <= overlap < window:
        raise ValueError(f"an overlap of {overlap} does not fit a window of {window}; 0..{window - 1} would")
    windows = [Window(0, 0, min(window, num_frames), 0)]
    while windows[-1].stop < num_frames:
        start = windows[-1].stop - overlap
        windows.append(Window(len(windows), start, min(start + window, num_frames), overlap))
    return tuple(windows)
