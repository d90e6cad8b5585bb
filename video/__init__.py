"""Files in and out, one chunk at a time; timing and audio. The only place that knows PyAV and Pillow."""

from .encode import PieceWriter, encode_chunk
from .formats import OutputFormat, check_place, output_format
from .frame_list import FrameList
from .glances import Glance, glances
from .join import check_audio_fits, join_chunks
from .opening import file_sha256
from .picture import is_picture, read_character, write_image
from .sound_packets import SoundTrack, sound_tracks
from .source import VideoFile, open_video

__all__ = [
    "FrameList",
    "Glance",
    "OutputFormat",
    "PieceWriter",
    "SoundTrack",
    "VideoFile",
    "check_audio_fits",
    "check_place",
    "encode_chunk",
    "file_sha256",
    "glances",
    "is_picture",
    "join_chunks",
    "open_video",
    "output_format",
    "read_character",
    "sound_tracks",
    "write_image",
]
