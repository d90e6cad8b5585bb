"""Seeded procedural COCO-WholeBody person (133 keypoints), for goldens and for retarget metrics.

Our own code.  A 3-D stick figure (metres; x to the viewer's right, y down, z away from the camera)
walks, sways, turns its head and waves.  Contact is exact: the root height puts the lowest sole point
on the ground and the root's travel keeps the stance ankle fixed, so foot sliding and ground contact
of any retargeting can be measured against a known truth.  The same motion
can be played by a body with other proportions, which gives the true answer of a retarget.

    seq = make_sequence(frames=48, seed=7, body="adult", width=832, height=480)
    seq["kps"]      float32 [T,133,3]  x, y in pixels, score
    seq["clean"]    float32 [T,133,2]  without detector noise
    seq["contact"]  bool    [T,2]      left, right foot is the stance foot

Only numpy; RandomState is used because its stream is frozen across numpy versions.
"""

# ruff: noqa: C408, E731, RUF005
import numpy as np

# proportions in metres: half widths, lengths
BODIES = {
    #         shoulder  torso  neck  head  uparm forearm hand  hip   thigh  shank  foot  heel
    "adult": dict(
        sh=0.185,
        torso=0.50,
        neck=0.13,
        head=0.115,
        ua=0.29,
        fa=0.25,
        hand=0.18,
        hip=0.095,
        th=0.43,
        sk=0.42,
        foot=0.17,
        heel=0.06,
    ),
    "child": dict(
        sh=0.135,
        torso=0.36,
        neck=0.10,
        head=0.120,
        ua=0.19,
        fa=0.165,
        hand=0.12,
        hip=0.075,
        th=0.27,
        sk=0.26,
        foot=0.13,
        heel=0.045,
    ),
    "chibi": dict(
        sh=0.120,
        torso=0.30,
        neck=0.09,
        head=0.230,
        ua=0.14,
        fa=0.12,
        hand=0.10,
        hip=0.080,
        th=0.16,
        sk=0.15,
        foot=0.12,
        heel=0.04,
    ),
    "lanky": dict(
        sh=0.190,
        torso=0.50,
        neck=0.15,
        head=0.110,
        ua=0.36,
        fa=0.33,
        hand=0.20,
        hip=0.090,
        th=0.55,
        sk=0.55,
        foot=0.19,
        heel=0.06,
    ),
}


def _rot(axis, a):
    c, s = np.cos(a), np.sin(a)
    if axis == "x":
        return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    if axis == "y":
        return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def _face68():
    """Canonical 68-point face, unit half-height, x right (viewer), y down, z forward is negative."""
    p = np.zeros((68, 3))
    a = np.linspace(np.pi, 0, 17)  # jaw, viewer's left to right
    p[:17] = np.stack([0.78 * np.cos(a), -0.10 + 1.02 * np.sin(a), -0.15 - 0.45 * np.sin(a)], 1)
    for k, cx in ((17, -0.40), (22, 0.40)):  # brows
        t = np.linspace(-1, 1, 5)
        p[k : k + 5] = np.stack([cx + 0.24 * t, -0.42 - 0.08 * (1 - t * t), np.full(5, -0.70)], 1)
    p[27:31] = np.stack([np.zeros(4), np.linspace(-0.22, 0.16, 4), np.linspace(-0.74, -0.98, 4)], 1)
    t = np.linspace(-1, 1, 5)
    p[31:36] = np.stack([0.20 * t, 0.26 + 0.03 * (1 - t * t), -0.80 - 0.08 * (1 - t * t)], 1)
    for k, cx in ((36, -0.38), (42, 0.38)):  # eyes, 6 points each
        b = np.array([np.pi, 2.2, 1.0, 0, -1.0, -2.2])
        p[k : k + 6] = np.stack([cx + 0.15 * np.cos(b), -0.22 - 0.06 * np.sin(b), np.full(6, -0.68)], 1)
    b = np.linspace(np.pi, -np.pi, 13)[:12]  # outer lips
    p[48:60] = np.stack([0.30 * np.cos(b), 0.56 - 0.12 * np.sin(b), np.full(12, -0.78)], 1)
    b = np.linspace(np.pi, -np.pi, 9)[:8]  # inner lips
    p[60:68] = np.stack([0.20 * np.cos(b), 0.56 - 0.04 * np.sin(b), np.full(8, -0.78)], 1)
    return p


def _hand21(curl, spread, mirror):
    """Unit-length hand: wrist at 0, fingers along +y, palm in the x-y plane."""
    p = np.zeros((21, 3))
    base = np.array([[0.20, 0.18], [0.16, 0.50], [0.05, 0.53], [-0.06, 0.50], [-0.16, 0.45]])
    seg = np.array([[0.15, 0.13, 0.10], [0.20, 0.14, 0.11], [0.23, 0.15, 0.12], [0.21, 0.14, 0.11], [0.16, 0.11, 0.09]])
    ang = np.array([0.80, 0.18, 0.02, -0.14, -0.30]) * spread
    for f in range(5):
        pos = np.array([base[f, 0], base[f, 1], 0.0])
        p[1 + 4 * f] = pos
        bend = 0.0
        for j in range(3):
            bend += curl * (0.35 if f == 0 else 0.75)
            d = np.array([np.sin(ang[f]) * np.cos(bend), np.cos(ang[f]) * np.cos(bend), -np.sin(bend)])
            pos = pos + seg[f, j] * d
            p[2 + 4 * f + j] = pos
    if mirror:
        p[:, 0] *= -1
    return p


def _frame(b, ph, t, wave):
    """Joints of one frame relative to the mid hip (root), metres.  Person faces -z (the camera)."""
    J = {}
    sway = _rot("z", 0.05 * np.sin(ph)) @ _rot("y", 0.12 * np.sin(ph))
    bend = _rot("x", 0.10 + 0.06 * np.sin(2 * ph + 0.4))
    T = sway @ bend
    J["hip_l"], J["hip_r"] = np.array([b["hip"], 0, 0]), np.array([-b["hip"], 0, 0])  # person's left = viewer's right
    neck = T @ np.array([0, -b["torso"], 0])
    J["neck"] = neck
    J["sh_l"] = neck + T @ np.array([b["sh"], 0.02 * b["torso"], 0])
    J["sh_r"] = neck + T @ np.array([-b["sh"], 0.02 * b["torso"], 0])
    for s, sg in (("l", 1.0), ("r", -1.0)):
        p = ph if s == "l" else ph + np.pi
        # legs: swing forward is -z
        th = 0.52 * np.sin(p) + 0.06
        kn = 0.12 + 0.75 * max(0.0, np.sin(p + 1.1)) ** 2
        R = _rot("z", -0.03 * sg) @ _rot("x", -th)
        J["knee_" + s] = J["hip_" + s] + R @ np.array([0, b["th"], 0])
        R2 = R @ _rot("x", kn)
        J["ank_" + s] = J["knee_" + s] + R2 @ np.array([0, b["sk"], 0])
        R3 = R2 @ _rot("x", -0.35 * np.sin(p - 0.4) - 0.10)
        fwd = R3 @ np.array([0.10 * sg, 0.25, -1.0]) / np.linalg.norm([0.10, 0.25, 1.0])
        J["toe_" + s] = J["ank_" + s] + b["foot"] * fwd
        J["stoe_" + s] = J["ank_" + s] + b["foot"] * (
            R3 @ np.array([0.42 * sg, 0.25, -0.85]) / np.linalg.norm([0.42, 0.25, 0.85])
        )
        J["heel_" + s] = J["ank_" + s] + b["heel"] * (R3 @ np.array([0, 0.75, 0.65]))
        # arms
        sw = -0.55 * np.sin(p)
        A = T @ _rot("z", -0.16 * sg) @ _rot("x", -sw)
        el = 0.35 + 0.25 * max(0.0, np.sin(p))
        if s == "r" and wave > 0:  # right arm rises and waves
            A = T @ _rot("z", -sg * (0.16 + 2.25 * wave)) @ _rot("x", -sw * (1 - wave))
            el = el * (1 - wave) + wave * 0.2
        J["elb_" + s] = J["sh_" + s] + A @ np.array([0, b["ua"], 0])
        B = A @ _rot("x", -el)
        if s == "r" and wave > 0:
            B = B @ _rot("z", wave * (0.55 + 0.55 * np.sin(9.0 * t)))
        J["wri_" + s] = J["elb_" + s] + B @ np.array([0, b["fa"], 0])
        curl = 0.25 + 0.20 * np.sin(2.3 * t + (0 if s == "l" else 1.3))
        H = B @ _rot("y", (0.6 if s == "l" else -0.6) * (1 - wave * (s == "r")))
        J["hand_" + s] = J["wri_" + s] + (_hand21(curl, 1.0 + 0.4 * wave, s == "r") * b["hand"]) @ H.T
    yaw = 0.35 * np.sin(1.3 * t)
    Hd = T @ _rot("x", -0.12 + 0.08 * np.sin(2.1 * t)) @ _rot("y", yaw)
    c = neck + T @ np.array([0, -b["neck"] - 0.55 * b["head"], 0])
    f = _face68()
    mouth = 0.06 + 0.06 * np.sin(7.0 * t)
    f[54:60, 1] += mouth
    f[64:68, 1] += mouth
    J["face"] = c + (f * b["head"]) @ Hd.T
    k = lambda x, y, z: c + Hd @ (np.array([x, y, z]) * b["head"])
    J["nose"], J["eye_l"], J["eye_r"] = k(0, 0.16, -0.98), k(0.38, -0.22, -0.68), k(-0.38, -0.22, -0.68)
    J["ear_l"], J["ear_r"] = k(0.80, -0.12, -0.05), k(-0.80, -0.12, -0.05)
    return J


def _pack(J):
    P = np.zeros((133, 3))
    n = [
        "nose",
        "eye_l",
        "eye_r",
        "ear_l",
        "ear_r",
        "sh_l",
        "sh_r",
        "elb_l",
        "elb_r",
        "wri_l",
        "wri_r",
        "hip_l",
        "hip_r",
        "knee_l",
        "knee_r",
        "ank_l",
        "ank_r",
        "toe_l",
        "stoe_l",
        "heel_l",
        "toe_r",
        "stoe_r",
        "heel_r",
    ]
    for i, k in enumerate(n):
        P[i] = J[k]
    P[23:91], P[91:112], P[112:133] = J["face"], J["hand_l"], J["hand_r"]
    return P


def make_3d(frames=48, fps=24.0, body="adult", wave=True, still=False, stride=1.0):
    """World joints [T,133,3] with exact ground contact (ground at y=0) and stance flags [T,2]."""
    b = BODIES[body] if isinstance(body, str) else body
    P, C = [], []
    root = np.zeros(3)
    prev = None
    for i in range(frames):
        t = i / fps
        ph = 0.0 if still else 2 * np.pi * 0.9 * t * stride
        w = 0.0
        if wave and not still:
            w = float(np.clip((t - 0.55) / 0.45, 0, 1))
            w = w * w * (3 - 2 * w)
        p = _pack(_frame(b, ph, t, w))
        low = {0: p[[15, 17, 18, 19], 1].max(), 1: p[[16, 20, 21, 22], 1].max()}
        st = 0 if np.cos(ph) < 0 else 1  # the foot that moves backward under the body
        root[1] = -max(low.values())
        if prev is not None and not still:
            j = 15 + prev[1]  # keep the previous stance ankle fixed on x and z
            d = prev[0][j] - (p[j] + root)
            root[0] += d[0]
            root[2] += d[2]
        P.append(p + root)
        prev = (P[-1], st)
        C.append([st == 0, st == 1])
    return np.stack(P), np.array(C)


REST = dict(arm=0.42)


def make_rest(body="adult"):
    """A front-facing standing pose with arms slightly away from the body: a good reference image."""
    b = BODIES[body] if isinstance(body, str) else body
    J = _frame(b, 0.0, 0.0, 0.0)
    for s, sg in (("l", 1.0), ("r", -1.0)):
        J["knee_" + s] = J["hip_" + s] + np.array([0.04 * sg * b["th"], b["th"], 0])
        J["ank_" + s] = J["knee_" + s] + np.array([0.03 * sg * b["sk"], b["sk"], 0])
        J["toe_" + s] = J["ank_" + s] + b["foot"] * np.array([0.22 * sg, 0.45, -0.86])
        J["stoe_" + s] = J["ank_" + s] + b["foot"] * np.array([0.45 * sg, 0.42, -0.78])
        J["heel_" + s] = J["ank_" + s] + b["heel"] * np.array([0, 0.8, 0.6])
        d = np.array([np.sin(REST["arm"]) * sg, np.cos(REST["arm"]), 0])
        J["elb_" + s] = J["sh_" + s] + b["ua"] * d
        J["wri_" + s] = J["elb_" + s] + b["fa"] * d
        R = _rot("z", -REST["arm"] * sg)
        J["hand_" + s] = J["wri_" + s] + (_hand21(0.15, 1.0, s == "r") * b["hand"]) @ R.T
    p = _pack(J)
    p[:, 1] -= p[[15, 16, 17, 20, 19, 22], 1].max()
    return p


def project(P, width, height, yaw=0.0, px_per_m=None, cx=0.5, ground=0.93, fit=None, cam=0.0):
    """Orthographic (cam=0) or perspective (cam = distance in metres) projection to pixels."""
    Q = P @ _rot("y", yaw).T
    if px_per_m is None:
        top = (fit if fit is not None else Q)[..., 1].min()
        px_per_m = 0.86 * height * (ground / 0.93) / abs(top)
    s = px_per_m
    if cam > 0:
        s = px_per_m * cam / (cam + Q[..., 2])
    x = cx * width + s * Q[..., 0]
    y = ground * height + s * Q[..., 1]
    return np.stack([x, y], -1), px_per_m


def make_sequence(
    frames=48,
    seed=7,
    body="adult",
    width=832,
    height=480,
    yaw=0.45,
    noise=0.004,
    fps=24.0,
    wave=True,
    px_per_m=None,
    cx=0.5,
    ground=0.93,
    cam=0.0,
    gaps=True,
):
    P, C = make_3d(frames, fps, body, wave)
    xy, s = project(P, width, height, yaw, px_per_m, cx, ground, cam=cam)
    r = np.random.RandomState(seed)
    size = np.ptp(xy[:, :17, 1], axis=1).mean()
    jit = r.randn(frames, 133, 2) * noise * size
    jit[:, 23:91] *= 0.35
    jit[:, 91:] *= 0.6
    score = np.clip(0.90 + 0.05 * r.randn(frames, 133), 0.05, 1.0)
    score[:, 23:91] = np.clip(0.85 + 0.06 * r.randn(frames, 68), 0.05, 1)
    score[:, 91:] = np.clip(0.75 + 0.10 * r.randn(frames, 42), 0.05, 1)
    if gaps:
        for k in ([9] + list(range(91, 112)),):  # left wrist and hand hidden
            score[20:27, k] = np.clip(0.15 + 0.05 * r.randn(7, len(k)), 0.01, 0.28)
            jit[20:27, k] *= 6
        for f, k in ((11, 7), (31, 14), (33, 0)):  # single-frame outliers
            if f < frames:
                jit[f, k] += np.array([0.10, -0.08]) * size
                score[f, k] = 0.45
    kps = np.concatenate([xy + jit, score[..., None]], -1).astype(np.float32)
    return dict(
        kps=kps,
        clean=xy.astype(np.float32),
        contact=C,
        px_per_m=float(s),
        width=width,
        height=height,
        fps=fps,
        world=P.astype(np.float32),
    )
