"""Load Motion and Save Motion: `.motion` files in ComfyUI's input and output folders, and LivePortrait's `.pkl`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import folder_paths
from comfy_api.latest import io, ui

from ..core import Motion
from ..pose.motion_file import load_motion, save_motion
from .sample_inputs import PREFIX
from .wires import CATEGORY, motion_input, motion_output

SUFFIXES = (".motion", ".pkl")
"""Ours, and the motion templates of LivePortrait's programs, in which nothing is run."""


def motion_file_names() -> list[str]:
    """Of the input folder, and of the output folder marked as ComfyUI marks it."""
    names = []
    for folder, mark in ((folder_paths.get_input_directory(), ""), (folder_paths.get_output_directory(), " [output]")):
        for path in sorted(p for p in Path(folder).rglob("*.*") if p.suffix.lower() in SUFFIXES):
            names.append(path.relative_to(folder).as_posix() + mark)
    return names


def with_film_beside(motion: Motion, file: Path) -> Motion:
    """The motion with its film found again where it came along: beside the file, under the old name, the motion's or a sample's."""
    named = Path(motion.source.path)
    if not named.suffix:
        return motion  # made of keypoints, of no film
    names = (named.name, file.stem + named.suffix, PREFIX + named.name)
    for film in (named, *(file.with_name(name) for name in names)):
        if film.is_file() and film != file:
            return replace(motion, source=replace(motion.source, path=str(film)))
    return motion


class LoadMotion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MT_LoadMotion",
            display_name="Load Motion",
            category=CATEGORY,
            description="A motion saved before: from the input folder, or what Save Motion wrote into the output folder. Reads LivePortrait's motion templates (.pkl) too, without running them.",
            search_aliases=[
                "open motion",
                "import motion",
                "motion file",
                "motion template",
                "pkl",
                "liveportrait template",
            ],
            inputs=[
                io.Combo.Input(
                    "file",
                    options=motion_file_names(),
                    tooltip="A .motion file in ComfyUI's input or output folder, or a motion template (.pkl) of LivePortrait's programs.",
                )
            ],
            outputs=[motion_output("The motion, exactly as it was saved.")],
        )

    @classmethod
    def execute(cls, file: str) -> io.NodeOutput:
        path = Path(folder_paths.get_annotated_filepath(file))
        if path.suffix.lower() == ".pkl":
            from ..models.live_portrait.made_motion import motion_of_template

            return io.NodeOutput(motion_of_template(path))
        return io.NodeOutput(with_film_beside(load_motion(path), path))

    @classmethod
    def fingerprint_inputs(cls, file: str) -> Any:
        known = Path(folder_paths.get_annotated_filepath(file)).stat()
        return (known.st_mtime, known.st_size)

    @classmethod
    def validate_inputs(cls, file: str) -> bool | str:
        if not folder_paths.exists_annotated_filepath(file):
            return f"There is no motion file {file!r} in the input or output folder."
        return True


class SaveMotion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MT_SaveMotion",
            display_name="Save Motion",
            category=CATEGORY,
            description="Writes a .motion file into the output folder, to be loaded in any graph or on the command line.",
            search_aliases=["export motion", "store motion"],
            inputs=[
                motion_input(),
                io.String.Input("filename_prefix", default="motion/motion", tooltip="Folder and name under the output folder; a number is added."),
            ],
            outputs=[
                motion_output("The same motion, to go on with."),
                io.String.Output(id="path", display_name="path", tooltip="The file that was written."),
            ],
            is_output_node=True,
        )  # fmt: skip

    @classmethod
    def execute(cls, motion: Motion, filename_prefix: str) -> io.NodeOutput:
        folder, name, counter, subfolder, _ = folder_paths.get_save_image_path(
            filename_prefix, folder_paths.get_output_directory(), *motion.size
        )
        path = Path(folder) / f"{name}_{counter:05}_.motion"
        save_motion(motion, path)
        return io.NodeOutput(
            motion, str(path), ui=ui.PreviewText(f"{subfolder}/{path.name}" if subfolder else path.name)
        )
