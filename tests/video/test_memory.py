"""Memory stays flat however long a clip is: reading, encoding in pieces and joining, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from fractions import Fraction as F

import pytest

WORK = """
    import resource, sys
    from pathlib import Path
    from motion_transfer.video import encode_chunk, join_chunks, open_video, output_format

    source, folder = Path(sys.argv[1]), Path(sys.argv[2])
    video, fmt, pieces = open_video(source), output_format("o.mp4", "high"), []
    for chunk in video.chunks(32):
        pieces.append(folder / f"{chunk.start}.mkv")
        encode_chunk(chunk, pieces[-1], fmt, video.info.rate)
    join_chunks(pieces, folder / "o.mp4", timeline=video.timeline(), fmt=fmt, audio=source)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs getrusage")
def test_a_clip_ten_times_as_long_needs_no_more_memory(tmp_path, clips):
    peaks = []
    for count in (250, 2500):
        folder = tmp_path / str(count)
        folder.mkdir()
        frames = clips.pictures(50, 640, 360)[[i % 50 for i in range(count)]] if count == 250 else None
        source = folder / "source.mp4"
        if frames is not None:
            clips.write_clip(source, list(range(count)), F(1, 25), F(25), frames=frames,
                             sounds=(clips.Sound("aac", count / 25),))  # fmt: skip
        else:
            clips.repeat_clip(tmp_path / "250" / "source.mp4", source, 10)
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(WORK), str(source), str(folder)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        peaks.append(int(done.stdout))
    # The promise of the house; what grows is eight bytes a frame for its time stamp and the mp4's index.
    assert peaks[1] <= 1.10 * peaks[0], peaks
