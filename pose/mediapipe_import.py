"""The way to MediaPipe: imported late, checked, and kept from talking on the terminal.

Nothing else in this package imports `mediapipe`. Releases up to 0.10.21 hold the models and the graph
interface that the detector uses ("solutions"); later ones hold neither and need model files of the user.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from importlib import metadata
from types import ModuleType
from typing import Any

from ..core import MissingPackage

INSTALL = 'pip install --no-deps mediapipe==0.10.21  and  pip install attrs "protobuf<5"'
"""Of what the wheel names as its needs, what is imported here; absl-py, flatbuffers, matplotlib and others are not."""
LAST_WITH_SOLUTIONS = (0, 10, 21)
_FIRST_WITH_GRAPHS = (0, 10, 9)  # earlier ones were not tried
_NOISE = re.compile(
    r"Feedback manager requires"
    r"|All log messages before absl::InitializeLog"
    r"|Created TensorFlow Lite XNNPACK delegate"
    r"|Using NORM_RECT without IMAGE_DIMENSIONS"
    r"|gl_context\.cc"
    r"|GPU suport is not available|GPU support is not available"
    r"|face_landmarker_graph\.cc|FaceBlendshapesGraph"
)
_ONE_AT_A_TIME = threading.Lock()


def mediapipe_version() -> tuple[int, ...] | None:
    """Version of the installed MediaPipe as numbers; None when there is none. Imports nothing."""
    if importlib.util.find_spec("mediapipe") is None:
        return None
    try:
        text = metadata.version("mediapipe")
    except metadata.PackageNotFoundError:
        return None
    return tuple(int(n) for n in re.findall(r"\d+", text)[:3])


def has_solutions() -> bool:
    """Whether the installed MediaPipe brings its own models and graphs."""
    version = mediapipe_version()
    return version is not None and _FIRST_WITH_GRAPHS <= version <= LAST_WITH_SOLUTIONS


def require_solutions() -> str:
    """The version, as text, of a MediaPipe that holds its models; MissingPackage says what to install."""
    version = mediapipe_version()
    if version is None:
        if sys.version_info >= (3, 13):
            raise MissingPackage(
                f"Finding joints needs MediaPipe 0.10.21, which exists for Python 3.9 to 3.12; this is "
                f"{sys.version_info.major}.{sys.version_info.minor}. Use Python 3.12 and: {INSTALL}. Or install "
                f"mediapipe>=0.10.30 and give its model files (pose_landmarker.task); or start from a .motion file "
                f"or OpenPose JSON, which need no detector."
            )
        raise MissingPackage(f"Finding joints needs MediaPipe, which is not installed: {INSTALL}")
    text = ".".join(map(str, version))
    if not has_solutions():
        raise MissingPackage(
            f"MediaPipe {text} is installed, but only 0.10.9 to 0.10.21 bring the models along: {INSTALL}. "
            f"Or keep {text} and give the folder with its model files (pose_landmarker.task, hand_landmarker.task)."
        )
    return text


def load_mediapipe() -> ModuleType:
    """The package itself, of whatever version; MissingPackage where it or one of its needs is missing."""
    os.environ.setdefault("GLOG_minloglevel", "2")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with quiet(), _plotting_later():
            import mediapipe
    except ImportError as error:
        name = f" ({error.name} is missing)" if error.name and error.name != "mediapipe" else ""
        raise MissingPackage(f"MediaPipe cannot be loaded{name}: {INSTALL}") from error
    return mediapipe


class _Later(ModuleType):
    """Stands for a module that is loaded when somebody first wants something of it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


@contextlib.contextmanager
def _plotting_later() -> Iterator[None]:
    """MediaPipe loads all of matplotlib for one function that draws in 3-D: three quarters of its start."""
    if "matplotlib" in sys.modules:
        yield
        return
    pyplot, whole = _Later("matplotlib.pyplot"), _Later("matplotlib")
    whole.pyplot = pyplot  # type: ignore[attr-defined]
    stand_ins = {"matplotlib": whole, "matplotlib.pyplot": pyplot}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name, module in stand_ins.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


def solutions() -> Any:
    """`mediapipe.solutions` of a version that has it; MissingPackage otherwise."""
    require_solutions()
    load_mediapipe()
    with quiet():
        from mediapipe.python import solutions as found
    return found


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hold back MediaPipe's start-up chatter on standard error; anything else that was said is said afterwards.

    MediaPipe logs from C++, straight to file descriptor 2, before it would read its own log level. So the
    descriptor points to a temporary file while graphs are built. Other threads should not be printing then.
    """
    with _ONE_AT_A_TIME, contextlib.ExitStack() as stack:
        try:
            saved = os.dup(2)
        except OSError:  # no standard error at all, as under pythonw
            yield
            return
        stack.callback(os.close, saved)
        held = stack.enter_context(tempfile.TemporaryFile())
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stderr.flush()
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            with contextlib.suppress(OSError, ValueError, AttributeError):
                sys.stderr.flush()
            os.dup2(saved, 2)
            held.seek(0)
            lines = held.read().splitlines(keepends=True)
            rest = b"".join(line for line in lines if not _NOISE.search(line.decode("utf-8", "replace")))
            if rest:
                with contextlib.suppress(OSError):
                    os.write(2, rest)
