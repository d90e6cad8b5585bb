"""A small random RestoreFormer of the true layout, as a file that spandrel recognises.

Run by ComfyUI's interpreter:  python tiny_restorer.py FOLDER  writes FOLDER/facerestore_models/RestoreFormer.pth and,
beside it, another_network.pth, which is an enlarger.
"""

from __future__ import annotations

import sys
from pathlib import Path


def write(folder: Path) -> None:
    import torch
    from spandrel.architectures.Compact import Compact
    from spandrel.architectures.RestoreFormer import RestoreFormer

    torch.manual_seed(0)
    network = RestoreFormer(
        n_embed=32, embed_dim=32, ch=32, out_ch=3, ch_mult=(1, 1, 1, 1, 1, 1), num_res_blocks=1,
        attn_resolutions=(16,), dropout=0.0, in_channels=3, resolution=512, z_channels=32, double_z=False,
        enable_mid=True, head_size=8,
    )  # fmt: skip
    place = folder / "facerestore_models"
    place.mkdir(parents=True, exist_ok=True)
    # wrapped as its authors' trainer saved it
    torch.save({"state_dict": {f"vqvae.{k}": v for k, v in network.state_dict().items()}}, place / "RestoreFormer.pth")
    torch.save({"params": Compact(num_feat=8, num_conv=2).state_dict()}, place / "another_network.pth")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
