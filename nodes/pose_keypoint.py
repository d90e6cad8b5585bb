"""Motions from and to POSE_KEYPOINT, the list of OpenPose frames that other packs and core's SDPose speak."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from comfy_api.latest import io

from ..core import Motion
from ..pose.openpose_json import motion_from_pose_keypoint, pose_keypoint_from_motion
from .wires import CATEGORY, PoseKeypointWire, motion_input, motion_output


class MotionFromPoseKeypoint(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MT_MotionFromPoseKeypoint",
            display_name="Motion from POSE_KEYPOINT",
            category=CATEGORY,
            description="Takes poses found by another node (DWPose, SDPose, editors) as a motion. Pixels or 0-1, binary or real scores.",
            search_aliases=["openpose to motion", "dwpose", "sdpose", "keypoints to motion"],
            inputs=[
                PoseKeypointWire.Input("keypoints", tooltip="One entry per frame, from a pose node."),
                io.Float.Input("frame_rate", default=24.0, min=1.0, max=240.0, step=0.001, tooltip="Frames per second of the clip that the poses are of."),
            ],
            outputs=[motion_output("The poses as a motion; people in the order of the frames, the first is the main one.")],
        )  # fmt: skip

    @classmethod
    def execute(cls, keypoints: list[dict[str, Any]], frame_rate: float) -> io.NodeOutput:
        return io.NodeOutput(motion_from_pose_keypoint(keypoints, Fraction(frame_rate).limit_denominator(1001)))


class MotionToPoseKeypoint(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MT_MotionToPoseKeypoint",
            display_name="Motion to POSE_KEYPOINT",
            category=CATEGORY,
            description="Hands a motion to nodes that read OpenPose frames.",
            search_aliases=["motion to openpose", "export keypoints"],
            inputs=[
                motion_input(),
                io.Combo.Input(
                    "confidence", options=["binary", "score"], default="binary",
                    tooltip="binary: seen points are 1, as most readers expect. score: the true confidences.",
                ),
            ],
            outputs=[PoseKeypointWire.Output(id="keypoints", display_name="keypoints", tooltip="One OpenPose frame per frame of the motion, in pixels.")],
        )  # fmt: skip

    @classmethod
    def execute(cls, motion: Motion, confidence: str) -> io.NodeOutput:
        return io.NodeOutput(pose_keypoint_from_motion(motion, confidence=confidence))
