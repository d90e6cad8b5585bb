"""Wan-Animate on a GPU: seconds per step, peak memory and the VAE's share, ours beside diffusers' own, in one run.

    python benchmarks/wan_animate_gpu.py --out table.md              bf16, 832x480x77 and 1280x720x77
    python benchmarks/wan_animate_gpu.py --sizes 640x352x41 --resident 10 --steps 3
    python benchmarks/wan_animate_gpu.py --tiny                      small networks in float32, on a CPU too

No file is needed: networks of the published shapes get random weights, made on the device. diffusers' way is its
network with the motion encoder in every forward, in its pipeline's order of work; ours is `DiffusersBackend` with
everything projected once and those weights let go, its blocks all on the device or some visiting from RAM. Both get
the same weights, inputs, solver and VAE (float32). RAM for the whole network is needed too (about 35 GB).
"""

from __future__ import annotations

import argparse
import functools
import itertools
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from device_meter import Meter, Work, attempt, device_name
from diffusers import AutoencoderKLWan, __version__
from wan_random import Window, random_network, shapes_only, window_of

from motion_transfer.face_motion.lmd_encoder import LmdEncoder
from motion_transfer.models.wan_animate.backend import WindowCondition
from motion_transfer.models.wan_animate.diffusers_backend import Choices, DiffusersBackend, Parts
from motion_transfer.models.wan_animate.diffusers_files import kept_wide, network_of
from motion_transfer.models.wan_animate.diffusers_net import OnceOnly
from motion_transfer.models.wan_animate.diffusers_solver import make_solver
from motion_transfer.models.wan_animate.diffusers_stream import BlockStream

PUBLISHED = {"added_kv_proj_dim": 5120}  # with it the class's defaults are the published config: 17.27 B parameters
WARM_UP, FACE_BATCH, VAE_ROUNDS = 2, 8, 2
WINDOWS = (20, 4)  # steps: as trained, and with a distilled LoRA
PROMPT_TOKENS = 60


@torch.no_grad()
def their_window(net: Any, window: Window, text: torch.Tensor, picture: torch.Tensor, steps: int, meter: Meter) -> dict:
    """diffusers' loop: everything on the device beforehand, face pixels encoded in every forward."""
    device, dtype = meter.device, net.patch_embedding.weight.dtype
    meter.begin()
    known, pose = window.known[None].to(device), window.pose[None].to(device, dtype)
    face = torch.from_numpy(window.faces).permute(3, 0, 1, 2)[None].to(device)  # n H W C -> 1 C n H W
    face = (face.float() / 127.5 - 1).to(dtype)
    text, picture = text.to(device, dtype), picture.to(device, dtype)
    solver = make_solver("unipc", WARM_UP + steps, 5.0)
    latent, took = window.noise[None].to(device), []
    for t in solver.timesteps.to(device):
        start = meter.now()
        told = torch.cat([latent, known], dim=1).to(dtype)
        change = net(told, t.expand(1), text, picture, pose, face, return_dict=False)[0]
        latent = solver.step(change.float(), t, latent, return_dict=False)[0]
        took.append(meter.now() - start)
    result = {"step": statistics.median(took[WARM_UP:]), "peak": meter.peak_gb(), "latent": latent[0].float().cpu()}
    batches = face[0].permute(1, 0, 2, 3).split(FACE_BATCH)
    return result | {"face": meter.median(lambda: [net.motion_encoder(b) for b in batches], 2)}


def our_window(backend: DiffusersBackend, window: Window, meter: Meter) -> dict:
    encoder = backend._ready_encoder().to(meter.device)
    face, codes = meter.median(lambda: encoder.encode(window.faces), 2), encoder.encode(window.faces)
    encoder.to("cpu")  # as in a run: codes are made before the network is there
    condition = WindowCondition(window.known, window.pose, torch.from_numpy(codes))
    face += meter.median(lambda: backend._faces(condition.face_codes, window.noise.shape[1]), 1)
    meter.begin()
    ends: list[float] = []
    latent = backend.sample(condition, window.noise, 0, lambda done, total, preview: ends.append(meter.now()))
    took = [b - a for a, b in itertools.pairwise(ends)][WARM_UP - 1 :]
    return {"step": statistics.median(took), "peak": meter.peak_gb(), "latent": latent, "face": face}


def place(net: Any, device: torch.device, resident: int) -> None:
    """`resident` blocks on the device for good, the others visiting from RAM; all the rest on the device."""
    net.stream = None
    net.blocks.to("cpu")
    for name, part in net.named_children():
        if name != "blocks":
            part.to(device)
    net.scale_shift_table.data = net.scale_shift_table.data.to(device)
    if resident < len(net.blocks):
        net.stream = BlockStream(list(net.blocks), device, resident)
    else:
        net.blocks.to(device)


@torch.no_grad()
def vae_figures(backend: DiffusersBackend, window: Window, meter: Meter, ours: bool) -> dict:
    """Seconds to encode and to decode one window, and the peak; ours counts the way from and to RAM."""
    vae: Any = backend._vae
    meter.begin()
    if ours:
        works: list[Work] = [lambda: backend.encode(window.frames), lambda: backend.decode(window.pose)]
    else:
        pixels = torch.from_numpy(window.frames).permute(3, 0, 1, 2)[None].to(meter.device).float() / 127.5 - 1
        latent = window.pose[None].to(meter.device)
        works = [lambda: vae.encode(pixels).latent_dist.mode(), lambda: vae.decode(latent, return_dict=False)]
    encode, decode = (meter.median(work, VAE_ROUNDS) for work in works)
    return {"encode": encode, "decode": decode, "vae peak": meter.peak_gb()}


def table(size: str, theirs: dict, ours: dict) -> list[str]:
    """Rows of one size; a cell is a dash where the work did not fit."""

    def vae_seconds(side: dict) -> float:
        return 2 * side["encode"] + side["decode"]

    def whole(side: dict, steps: int) -> float:
        return steps * side["step"] + vae_seconds(side) + (side["face"] if side is ours else 0.0)

    figures: dict[str, Callable[[dict], float]] = {
        "one denoising step, s": lambda s: s["step"],
        "face encoder, s (theirs in every step, ours once a window)": lambda s: s["face"],
        "peak memory of the loop, GB": lambda s: s["peak"],
        "VAE, encoding one window, s": lambda s: s["encode"],
        "VAE, decoding one window, s": lambda s: s["decode"],
        "peak memory of the VAE, GB": lambda s: s["vae peak"],
    }
    for n in WINDOWS:
        figures[f"window of {n} steps, s"] = functools.partial(whole, steps=n)
        figures[f"VAE's share of it, {n} steps, %"] = lambda s, n=n: 100 * vae_seconds(s) / whole(s, n)
    rows = []
    for name, figure in figures.items():
        cells = [cell(figure, side) for side in (theirs, ours)]
        rows.append(f"| {size} | {name} | {cells[0]} | {cells[1]} |")
    return rows


def cell(figure: Callable[[dict], float], side: dict) -> str:
    try:
        value = figure(side)
    except KeyError:
        return "-"
    return "not measured" if value != value else f"{value:.4g}"


def difference(a: dict, b: dict) -> str:
    if "latent" not in a or "latent" not in b:
        return "-"
    return f"{float((a['latent'] - b['latent']).norm() / b['latent'].norm()):.1e}"


def measure(sizes: list[str], residents: list[int], steps: int, tiny: bool, device: torch.device) -> list[str]:
    config, dtype, vae_base = PUBLISHED, "bf16", 96
    if tiny:
        sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "models" / "wan_animate"))
        from diffusers_tiny import SIZES

        config, dtype, vae_base = SIZES, "fp32", 8
    meter, plain = Meter(device), shapes_only(config)
    windows = [window_of(size, plain.motion_encoder.size) for size in sizes]
    draw = torch.Generator().manual_seed(1)
    text = torch.randn(1, 512, plain.config["text_dim"], generator=draw)
    text[:, PROMPT_TOKENS:] = 0
    picture = torch.randn(1, 257, plain.config["image_dim"], generator=draw)
    rows = {size: ({}, {}) for size in sizes}
    with tempfile.TemporaryDirectory() as empty:
        parts = Parts(Path(empty), Path(empty), None, None, None)
        choices = Choices("", steps=WARM_UP + steps, dtype=dtype)
        backend = DiffusersBackend(parts, choices, str(device), lambda message: print(message, file=sys.stderr), (text, text))  # fmt: skip

    backend._vae = AutoencoderKLWan(base_dim=vae_base).eval().requires_grad_(False).to(device)
    for window, ours in itertools.product(windows, (False, True)):
        got = attempt("The VAE", lambda w=window, o=ours: vae_figures(backend, w, meter, o), meter)
        rows[window.size][ours].update(got)
    backend._vae = None  # while a network is measured, as it would count on both sides

    weights = sum(p.numel() * (4 if kept_wide(n) else backend.dtype.itemsize) for n, p in plain.named_parameters())
    fits = not meter.cuda or torch.cuda.mem_get_info(device)[0] > weights
    if not fits:
        print(f"diffusers' network takes {weights / 1e9:.1f} GB and {torch.cuda.mem_get_info(device)[0] / 1e9:.1f} GB are free on {device_name(device)}: its column stays empty.", file=sys.stderr)  # fmt: skip
    net: Any = random_network(config, backend.dtype, device if fits else torch.device("cpu"))
    for window in windows if fits else []:
        got = attempt("diffusers' way", lambda w=window: their_window(net, w, text, picture, steps, meter), meter)
        rows[window.size][0].update(got)
    state = net.to("cpu").state_dict()
    del net
    backend._encoder = LmdEncoder(state)
    net = network_of({k: state.pop(k) for k in list(state) if not k.startswith("motion_encoder.")}, "random weights")
    backend._once = OnceOnly(net, device)
    backend._cross = [backend._once.cross(text, picture)]
    backend._times = backend._once.times(make_solver("unipc", choices.steps, choices.shift).timesteps)
    backend._once.drop()
    backend._net = net

    streamed = []
    for resident in [*sorted(r for r in residents if r < len(net.blocks)), len(net.blocks)]:
        whole = resident == len(net.blocks)
        if not attempt(f"Ours with {resident} blocks", lambda r=resident: {"placed": place(net, device, r)}, meter):
            continue
        for window in windows:
            got = attempt(f"Ours with {resident} blocks", lambda w=window: our_window(backend, w, meter), meter)
            if whole:
                rows[window.size][1].update(got)
            figures = [cell(lambda s, k=k: s[k], got) for k in ("step", "peak")]
            streamed.append(f"| {window.size} | {resident} of {len(net.blocks)} | {' | '.join(figures)} | {difference(got, rows[window.size][0])} |")  # fmt: skip
    what = "small networks" if tiny else f"{weights / 1e9:.1f} GB of weights"
    lines = [f"{device_name(device)}, torch {torch.__version__}, diffusers {__version__}, {what} in {dtype}, random; median of {steps} steps after {WARM_UP}. A window is two encodings, one decoding and its steps.", ""]  # fmt: skip
    lines += ["| size | figure | diffusers | ours |", "|---|---|---|---|"]
    lines += [row for size in sizes for row in table(size, *rows[size])]
    lines += ["", "| size | ours: blocks on the device | one step, s | peak memory of the loop, GB | relative difference of the latent from diffusers' |", "|---|---|---|---|---|"]  # fmt: skip
    return lines + sorted(streamed, key=lambda row: sizes.index(row.split(" | ")[0][2:]))


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--sizes", nargs="+", help="WIDTHxHEIGHTxFRAMES")
    words.add_argument("--steps", type=int, default=5, help="timed ones")
    words.add_argument("--resident", type=int, nargs="*", help="blocks on the device, of 40; all of them is always measured")  # fmt: skip
    words.add_argument("--tiny", action="store_true")
    words.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    words.add_argument("--out", type=Path, help="the table goes here too")
    given = words.parse_args()
    if given.device == "cpu" and not given.tiny:
        print("No CUDA device: the true shapes need one; --tiny runs on the CPU.", file=sys.stderr)
        return 2
    sizes = given.sizes or (["48x32x9", "32x32x5"] if given.tiny else ["832x480x77", "1280x720x77"])
    residents = given.resident if given.resident is not None else ([0, 3] if given.tiny else [0, 10, 20, 30])
    lines = "\n".join(measure(sizes, residents, given.steps, given.tiny, torch.device(given.device)))
    print(lines)
    if given.out:
        beside = given.out.with_suffix(".part")
        beside.write_text(lines + "\n", encoding="utf-8")
        beside.replace(given.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
