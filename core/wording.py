"""Settings named inside messages: neutral below, in the host's own words where a user reads them.

An error, a note or a finding names a setting as `` `character_pose` ``, or `` `quality=low` `` with a value, by the name
that it has in `TransferJob`, in an engine's settings and in Python. Where nobody translates, as in Python and in
manifests, that is what stands there. The command line makes its option of it, ComfyUI its input; each has one table and
one place for that. The marker stands in brackets behind words that say the same, so that a sentence holds whatever
replaces it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

NAMED = re.compile(r"`([a-z][a-z_]*)(?:=([^`]*))?`")
"""A setting inside a message, with the value that would work, if one is named."""


def in_words_of(word: Callable[[str, str | None], str], message: str) -> str:
    """`message` with each setting as `word` calls it, which gets its name and the value, None where there is none."""
    return NAMED.sub(lambda found: word(found[1], found[2]), message)
