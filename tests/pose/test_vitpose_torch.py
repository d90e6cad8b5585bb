"""ViTPose in torch: equal to transformers' on random weights, and files in every form that people have."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from motion_transfer.core import InputError, MissingWeights, UsageError
from motion_transfer.pose import networks, pose_weights

torch = pytest.importorskip("torch")
from motion_transfer.pose import vitpose_torch as ours  # noqa: E402

WIDTH, DEPTH = 384, 2


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def module():
    """A narrow, shallow network with random weights whose maps have peaks above zero."""
    torch.manual_seed(4)
    made = ours.VitPoseModule(WIDTH, DEPTH)
    with torch.no_grad():
        made.backbone.pos_embed.normal_(std=0.5)
        for layer in made.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.running_mean.normal_(std=0.1)
                layer.running_var.uniform_(0.5, 1.5)
            if isinstance(layer, (torch.nn.BatchNorm2d, torch.nn.LayerNorm)):
                layer.weight.uniform_(0.5, 1.5)
                layer.bias.normal_(std=0.1)
        made.keypoint_head.final_layer.bias.fill_(0.4)
    return made.eval().requires_grad_(False)


@pytest.fixture
def state(module):
    return {key: value.clone() for key, value in module.state_dict().items()}


def theirs_of(state):
    """transformers' names for mmpose's keys."""
    made = {}
    for key, value in state.items():
        name = key.replace("backbone.patch_embed.proj", "backbone.embeddings.patch_embeddings.projection")
        name = name.replace("backbone.pos_embed", "backbone.embeddings.position_embeddings")
        name = name.replace("backbone.last_norm", "backbone.layernorm").replace(
            "backbone.blocks", "backbone.encoder.layer"
        )
        name = name.replace("norm1", "layernorm_before").replace("norm2", "layernorm_after")
        name = name.replace("attn.proj", "attention.output.dense")
        for a, b in (("deconv_layers.0", "deconv1"), ("deconv_layers.1", "batchnorm1"), ("deconv_layers.3", "deconv2"),
                     ("deconv_layers.4", "batchnorm2"), ("final_layer", "conv"), ("keypoint_head", "head")):  # fmt: skip
            name = name.replace(a, b)
        if "attn.qkv" in name:
            for part, piece in zip(("query", "key", "value"), value.chunk(3), strict=True):
                made[name.replace("attn.qkv", f"attention.attention.{part}")] = piece
        else:
            made[name] = value
    return made


def test_heat_maps_are_those_of_transformers(module, state):
    transformers = pytest.importorskip("transformers")
    backbone = transformers.VitPoseBackboneConfig(
        hidden_size=WIDTH, num_hidden_layers=DEPTH, num_attention_heads=12, layer_norm_eps=1e-6,
        out_features=[f"stage{DEPTH}"],
    )  # fmt: skip
    config = transformers.VitPoseConfig(backbone_config=backbone, use_simple_decoder=False, num_labels=133)
    theirs = transformers.VitPoseForPoseEstimation(config).eval()
    wanted = theirs.state_dict()
    made = theirs_of(state)
    missing = [key for key in wanted if key not in made and "num_batches" not in key]
    assert not missing and not [key for key in made if key not in wanted], (missing, list(made)[:3])
    theirs.load_state_dict(made)
    planes = torch.randn(2, 3, 256, 192)
    with torch.no_grad():
        mine, other = module(planes), theirs(pixel_values=planes).heatmaps
    assert mine.shape == other.shape == (2, 133, 64, 48)
    # float32, the same sums in another order; the maps span about 3.
    torch.testing.assert_close(mine, other, rtol=0, atol=2e-5)
    assert mine.std() > 0.05


@pytest.mark.parametrize("name, width, depth, parameters", [
    ("vitpose-s", 384, 12, 24.3), ("vitpose-b", 768, 12, 90.0), ("vitpose-l", 1024, 24, 308.5), ("vitpose-h", 1280, 32, 637.2),
])  # fmt: skip
def test_sizes_are_the_published_ones(name, width, depth, parameters):
    with torch.device("meta"):
        made = ours.VitPoseModule(width, depth)
    count = sum(p.numel() for p in made.parameters()) / 1e6
    assert count == pytest.approx(parameters, rel=0.01)
    # The files are these numbers as float32; the sizes on the page agree to half a percent.
    assert pose_weights.VITPOSE_ONNX[name].num_bytes == pytest.approx(4e6 * count, rel=0.005)


def save(state, path):
    if path.suffix == ".safetensors":
        from safetensors.torch import save_file

        save_file({k: v.contiguous() for k, v in state.items()}, path)
    else:
        torch.save(state, path)
    return path


def open_it(path, **options):
    return ours.open_vitpose_torch(path, "vitpose-s", "cpu", **options)


def people():
    random = np.random.RandomState(1)
    frames = random.randint(0, 256, (3, 120, 90, 3)).astype(np.uint8)
    return frames, np.array([[5, 5, 80, 110], [0, 10, 60, 100], [30, 0, 89, 119], [10, 20, 70, 90], [1, 2, 50, 60]], np.float32), np.array([0, 1, 2, 0, 1])  # fmt: skip


def test_every_form_of_file_gives_the_same_joints(state, tmp_path):
    frames, boxes, frame_of = (part[:2] for part in people())
    forms = {
        "plain.pth": state,
        "wrapped.pth": {"state_dict": {f"module.{k}": v for k, v in state.items()}, "meta": {"epoch": 210}},
        "open.safetensors": state,
        "half.safetensors": {k: v.half() if v.is_floating_point() else v for k, v in state.items()},
        "without_counts.safetensors": {k: v for k, v in state.items() if "num_batches" not in k},
        "split_from_plus.pth": {**state, "backbone.blocks.0.mlp.experts.3.weight": torch.zeros(96, 4 * WIDTH)},
    }
    first = None
    for name, form in forms.items():
        network = open_it(save(form, tmp_path / name))
        points, scores = network.estimate(frames, boxes, frame_of)
        assert points.shape == (2, 133, 2) and scores.max() > 0
        assert network.provider == "torch cpu fp32"
        if first is None:
            first = points
        near = 3.0 if name.startswith("half") else 1e-4  # halves of weights move flat random maps
        assert np.quantile(np.abs(points - first), 0.9) < near


def test_a_whole_vitpose_plus_checkpoint_gives_its_whole_body(state, tmp_path):
    part = 96
    plus = dict(state)
    for key in [k for k in state if ".mlp.fc2." in k]:
        plus[key] = state[key][:-part]
        for expert in range(6):
            value = state[key][-part:]
            plus[key.replace("fc2.", f"experts.{expert}.")] = value if expert == 5 else torch.randn_like(value)
    for key in [k for k in state if k.startswith("keypoint_head.")]:
        coco = state[key][:17] if "final_layer" in key else torch.randn_like(state[key].float())
        plus[key] = coco
        for head in range(5):
            other = f"associate_keypoint_heads.{head}." + key.split(".", 1)[1]
            plus[other] = state[key] if head == 4 else coco
    frames, boxes, frame_of = people()
    wanted = open_it(save(state, tmp_path / "split.pth")).estimate(frames, boxes, frame_of)[0]
    got = open_it(save({"state_dict": plus}, tmp_path / "plus.pth")).estimate(frames, boxes, frame_of)[0]
    np.testing.assert_array_equal(got, wanted)


def test_batches_change_nothing(module):
    frames, boxes, frame_of = people()
    network = ours.VitPoseTorch(module, "x")
    together = network.estimate(frames, boxes, frame_of)[0]
    alone = np.concatenate([network.estimate(frames, boxes[i : i + 1], frame_of[i : i + 1])[0] for i in range(5)])
    # Sums in another order; random maps are flat, so that a joint may sit on either of two equal peaks.
    assert np.quantile(np.abs(together - alone), 0.95) < 1e-2


def test_bf16_can_be_asked_for_and_is_said(state, tmp_path):
    network = open_it(save(state, tmp_path / "a.pth"), precision="bf16")
    assert network.provider == "torch cpu bf16"
    with pytest.raises(UsageError, match="auto, fp32, fp16, bf16"):
        open_it(tmp_path / "a.pth", precision="fp8")


@pytest.mark.slow  # processors without bf16 instructions need ten seconds a crop
def test_bf16_runs(state, tmp_path):
    frames, boxes, _ = people()
    network = open_it(save(state, tmp_path / "a.pth"), precision="bf16")
    assert np.isfinite(network.estimate(frames, boxes[:1], np.zeros(1, int))[0]).all()


def test_maps_that_overflow_are_one_line(module):
    broken = copy.deepcopy(module)
    with torch.no_grad():
        broken.keypoint_head.final_layer.bias.fill_(float("nan"))
    frames, boxes, frame_of = people()
    with pytest.raises(InputError, match="not finite; take bf16 or fp32"):
        ours.VitPoseTorch(broken, "x").estimate(frames, boxes, frame_of)


def test_a_device_that_is_not_there_is_said_or_refused(state, tmp_path):
    path = save(state, tmp_path / "a.pth")
    if torch.cuda.is_available():
        pytest.skip("there is one")
    notes = []
    assert ours.open_vitpose_torch(path, "vitpose-s", "cuda:0", notes.append).provider == "torch cpu fp32"
    assert len(notes) == 1 and "runs on the processor, not on cuda:0" in notes[0]
    with pytest.raises(UsageError, match="cannot run on cuda:0"):
        ours.open_vitpose_torch(path, "vitpose-s", "cuda:0")


def bodies_only(state):
    return {k: v[:17] if "final_layer" in k else v for k, v in state.items()}


@pytest.mark.parametrize(
    "change, name, told",
    [
        (
            lambda s: {k: v for k, v in s.items() if "blocks.1.attn" not in k},
            "vitpose-s",
            r"4 missing \(backbone.blocks.1.attn",
        ),
        (lambda s: {**s, "neck.weight": torch.zeros(1)}, "vitpose-s", r"1 unknown \(neck.weight\)"),
        (lambda s: {**s, "backbone.blocks.0.norm1.bias": torch.zeros(7)}, "vitpose-s", "1 of another shape"),
        (lambda s: s, "vitpose-h", r"width 1280 wanted, 384 \(vitpose-s\) found"),
        (bodies_only, "vitpose-s", "finds 17 joints; a whole-body file with 133"),
        (lambda s: {"conv.weight": torch.zeros(1)}, "vitpose-s", "is no ViTPose: .* conv.weight"),
        (lambda s: {}, "vitpose-s", "is no ViTPose: .* nothing"),
    ],
)
def test_weights_of_another_network_are_named_by_key(state, tmp_path, change, name, told):
    path = save(change(state), tmp_path / "a.pth")
    with pytest.raises(InputError, match=told) as error:
        ours.open_vitpose_torch(path, name, "cpu")
    assert "a.pth" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
@pytest.mark.parametrize("damage", ["half", "empty", "page"])
def test_damaged_files_are_one_line(state, tmp_path, ending, damage):
    path = save(state, tmp_path / f"a{ending}")
    data = path.read_bytes()
    path.write_bytes({"half": data[: len(data) // 2], "empty": b"", "page": b"<html>404</html>"}[damage])
    with pytest.raises(InputError, match="damaged, cut short or no file of weights") as told:
        open_it(path)
    assert "\n" not in str(told.value)


def test_a_checkpoint_with_code_in_it_is_not_run(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("code in a checkpoint was run",))

    torch.save({"state_dict": Bomb()}, tmp_path / "a.pth")
    with pytest.raises(InputError):
        open_it(tmp_path / "a.pth")


def test_the_processor_prefers_onnx_and_a_card_torch(state, tmp_path, monkeypatch):
    path = save(state, tmp_path / "vitpose-s-wholebody.pth")
    onnx = tmp_path / "vitpose-s-wholebody.onnx"

    def find(weights):
        found = tmp_path / weights.file
        if not found.exists():
            raise MissingWeights("no")
        return found

    assert networks._pose_file("vitpose-s", find, "cpu")[1] == path
    assert networks.open_pose_network("vitpose-s", find, "cpu").provider == "torch cpu fp32"
    onnx.write_bytes(b"1")
    assert networks._pose_file("vitpose-s", find, "cpu")[1] == onnx
    assert networks._pose_file("vitpose-s", find, "cuda:0")[1] == path
    monkeypatch.setattr(networks, "find_spec", lambda name: None if name == "torch" else object())
    assert networks._pose_file("vitpose-s", find, "cuda:0")[1] == onnx
