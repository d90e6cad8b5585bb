"""Make `network_goldens.npz`: what the originals' pure functions answer to the inputs of `network_inputs`.

    python make_network_goldens.py <folder with pose2d.py and pose2d_utils.py of Wan2.2>
                                   <folder with cv_ox_det.py and cv_ox_pose.py of comfyui_controlnet_aux>

Made with Wan-Video/Wan2.2 42bf4cf, Fannovel16/comfyui_controlnet_aux e8b689a, numpy 2.4, OpenCV 5.0. No weights.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), *sys.argv[1:3]]

import cv_ox_det  # noqa: E402
import cv_ox_pose  # noqa: E402
import network_inputs as inputs  # noqa: E402
import pose2d  # noqa: E402
import pose2d_utils  # noqa: E402

made: dict[str, np.ndarray] = {}
picture = inputs.test_image()

crops, at = [], []
for box in inputs.BOXES:
    planes, centre, scale = pose2d.ViTPose.preprocess(picture, np.append(box, 1.0))
    crops.append(planes[:, ::6, ::6])
    at.append([*centre, *scale * 200])
made["wan_at"], made["wan_crops"] = np.array(at), np.array(crops)

maps = inputs.gauss_maps()
centres, sizes = np.array(at)[:2, :2], np.array(at)[:2, 2:]
points, scores = pose2d_utils.keypoints_from_heatmaps(
    heatmaps=maps.copy(), center=centres, scale=sizes, unbiased=True, use_udp=False
)
made["dark_points"], made["dark_scores"] = points, scores[..., 0]

crops, centres, sizes = cv_ox_pose.preprocess(picture, inputs.BOXES, (288, 384))
made["dw_centres"], made["dw_sizes"] = np.array(centres), np.array(sizes)
made["dw_crops"] = np.array([crop[::8, ::8].transpose(2, 0, 1) for crop in crops], np.float32)
across, down = inputs.simcc_bins()
outputs = [[across[i : i + 1].copy(), down[i : i + 1].copy()] for i in range(len(across))]
made["simcc_points"], made["simcc_scores"] = cv_ox_pose.postprocess(outputs, (288, 384), centres, sizes)

for width, height in inputs.FRAME_SHAPES:
    frame = inputs.test_image(width, height)
    planes, _ = cv_ox_det.preprocess(frame, (640, 640))
    made[f"yolox_input_{width}x{height}"] = planes[:, ::16, ::16].astype(np.uint8)

    class InferenceSession:
        """Answers with the seeded rows; the name is what the original looks at."""

        def get_inputs(self):
            return [type("Input", (), {"name": "images"})]

        def run(self, names, feed):
            return [inputs.yolox_rows()]

    made[f"yolox_boxes_{width}x{height}"] = cv_ox_det.inference_detector(InferenceSession(), frame)

yolo = object.__new__(pose2d.Yolo)
yolo.input_width = yolo.input_height = 640
yolo.threshold_conf, yolo.threshold_iou = 0.05, 0.5
for name, rows in (("yolov10", inputs.yolov10_rows()), ("yolov8", inputs.yolov8_rows())):
    made[f"{name}_boxes"] = yolo.postprocess(rows.copy(), np.array([720, 1280]))

np.savez_compressed(HERE / "network_goldens.npz", **made)
for name, value in made.items():
    print(name, value.shape, value.dtype)
