"""What travels on our wires, and what every node says about them in the same words."""

from __future__ import annotations

from comfy_api.latest import io

CATEGORY = "motion transfer"

MotionWire = io.Custom("MT_MOTION")
"""A `core.Motion`: joints and time stamps, some kilobytes a second, never pixels."""
PoseKeypointWire = io.Custom("POSE_KEYPOINT")
"""The list of OpenPose frames that core's and other packs' pose nodes exchange."""
BoundingBoxWire = io.Custom("BOUNDING_BOX")
"""x, y, width, height in px; as a socket only, because its widget is not drawn on the canvas."""
FaceLandmarksWire = io.Custom("FACE_LANDMARKS")
"""What core's Detect Face Landmarks (MediaPipe) gives: a mesh of 478 points for each face of each frame."""
InterpolationModelWire = io.Custom("INTERP_MODEL")
"""FILM or RIFE, from core's Load Frame Interpolation Model."""
FinishingWire = io.Custom("MT_FINISHING")
"""A `finish.Finishing`: which finishers with which settings, and the models they were given."""
SOCKET_ONLY = {"forceInput": True}
"""`extra_dict` of an input whose type has a widget: without it the page sends the widget's 512x512 at 0, 0 always."""


def motion_input(
    name: str = "motion", tooltip: str = "From Extract Motion, Load Motion or another motion node."
) -> io.Input:
    return MotionWire.Input(name, tooltip=tooltip)


def motion_output(tooltip: str, name: str = "motion") -> io.Output:
    return MotionWire.Output(id=name, display_name=name, tooltip=tooltip)
