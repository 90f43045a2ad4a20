"""How the parts of a drawn face are painted: layers of soft-edged shapes, many faces at once.

Pictures are planar while they are painted: `image` is (3, N, H, W) float32 in 0..1 and coverages are
(N, H, W) float32 in 0..1.  An edge is a signed distance turned into coverage over about one pixel, so that
any size can be drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np

F = np.float32
WHITE = (F(1.0), F(1.0), F(1.0))
Colour = np.ndarray | Sequence[np.ndarray] | Sequence[np.float32]  # RGB


def cover(distance: np.ndarray, px: np.ndarray | np.float32) -> np.ndarray:
    """Coverage of a signed distance (negative inside), in place; `px` is the width of the edge."""
    distance *= F(-1.0) / px
    distance += F(0.5)
    return np.clip(distance, F(0.0), F(1.0), out=distance)


def wave(cycles: np.ndarray) -> np.ndarray:
    """A sine of `cycles` (in turns) made of parabolas."""
    turn = cycles - np.floor(cycles + F(0.5))
    return turn * (F(8.0) - F(16.0) * np.abs(turn))


def ramp(x: np.ndarray) -> np.ndarray:
    """Smooth step from 0 (x <= 0) to 1 (x >= 1), in place."""
    np.clip(x, F(0.0), F(1.0), out=x)
    x *= x * (F(3.0) - F(2.0) * x)
    return x


def bump(f2: np.ndarray) -> np.ndarray:
    """Soft spot of a squared relative radius: 1 at 0, exactly 0 from 1 on, in place."""
    np.subtract(F(1.0), f2, out=f2)
    np.maximum(f2, F(0.0), out=f2)
    f2 *= f2
    return f2


def ellipse2(x: np.ndarray, y: np.ndarray, a: np.ndarray | float, b: np.ndarray | float) -> np.ndarray:
    """(x/a)^2 + (y/b)^2."""
    out = np.multiply(x, F(1.0) / np.asarray(a, F))
    out *= out
    other = np.multiply(y, F(1.0) / np.asarray(b, F))
    other *= other
    out += other
    return out


def parabola(x: np.ndarray, a: np.ndarray) -> np.ndarray:
    """1 - (x/a)^2."""
    out = x / a
    out *= out
    return np.subtract(F(1.0), out, out=out)


def over(image: np.ndarray, alpha: np.ndarray, colour: Colour) -> None:
    """Paint `colour` (each third broadcasts to (N, H, W)) over `image` with coverage `alpha`, in place."""
    for plane, c in zip(image, colour, strict=True):
        change = c - plane
        change *= alpha
        plane += change


class View:
    """A window of pixels with its face coordinates x, y ((N, H, W)) and the width of an edge there, `px`."""

    def __init__(self, p: SimpleNamespace, size: int, rows: np.ndarray, cols: np.ndarray) -> None:
        """`rows` (N or 1, H) and `cols` (N or 1, W) are pixel numbers of the whole picture."""
        step = F(2.0) / F(size)
        self.u = ((cols.astype(F) + F(0.5)) * step - F(1.0))[:, None, :]
        self.v = ((rows.astype(F) + F(0.5)) * step - F(1.0))[:, :, None]
        du, dv = (self.u - p.cx) / p.scale, (self.v - p.cy) / p.scale
        self.x = du * p.cos + dv * p.sin
        self.y = dv * p.cos - du * p.sin
        self.px = F(1.15) * step / p.scale
        self.size = size


def windows(
    p: SimpleNamespace, size: int, centre_y: float, half: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Rows (N, H) and columns (N, W) of a window about face point (0, centre_y), moved into the picture.

    `half` is its half width and height in half image sides.  H and W depend on the size only.
    """
    x = p.cx - p.scale * p.sin * F(centre_y)
    y = p.cy + p.scale * p.cos * F(centre_y)
    spans = []
    for at, reach in ((y, half[1]), (x, half[0])):
        n = min(size, int(reach * size) + 2)
        first = np.floor((at[:, 0, 0] + F(1.0)) * F(size / 2.0)).astype(np.int64) - n // 2
        spans.append(np.clip(first, 0, size - n)[:, None] + np.arange(n))
    return spans[0], spans[1]


def cut(image: np.ndarray, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    """Copy of each face's window of (C, N, S, S): (C, N, H, W)."""
    out = np.empty((*image.shape[:2], rows.shape[1], cols.shape[1]), image.dtype)
    for n, (r, c) in enumerate(zip(rows, cols, strict=True)):
        out[:, n] = image[:, n, r[0] : r[-1] + 1, c[0] : c[-1] + 1]
    return out


def paste(image: np.ndarray, part: np.ndarray, rows: np.ndarray, cols: np.ndarray) -> None:
    """Put the windows back, in place."""
    for n, (r, c) in enumerate(zip(rows, cols, strict=True)):
        image[:, n, r[0] : r[-1] + 1, c[0] : c[-1] + 1] = part[:, n]


def paint_ground(p: SimpleNamespace, view: View) -> np.ndarray:
    """The background: a gradient of two colours with three soft blobs, (3, N, H, W)."""
    u, v = view.u, view.v
    shape = (3, p.cx.shape[0], v.shape[1], u.shape[2])
    image = np.empty(shape, F)
    mixed = ramp(u * p.ground_x + v * p.ground_y + F(0.5))
    for plane, a, b in zip(image, p.ground0, p.ground1, strict=True):
        np.multiply(mixed, b - a, out=plane)
        plane += a
    for k in range(3):
        r = F(1.0) / getattr(p, f"blob{k}_r")
        dx, dy = (u - getattr(p, f"blob{k}_x")) * r, (v - getattr(p, f"blob{k}_y")) * r
        alpha = bump(dx * dx + dy * dy)
        alpha *= getattr(p, f"blob{k}_a")
        over(image, alpha, getattr(p, f"blob{k}"))
    return image


def paint_clothes(p: SimpleNamespace, view: View, image: np.ndarray) -> np.ndarray:
    """Shoulders below the neck, plain or striped; returns their coverage."""
    x = view.u - (p.cx - F(0.75) * p.scale * p.sin)
    y = view.v - (p.cy + F(0.66) * p.scale * p.cos)
    x2 = x * x
    depth = y - x2 * (p.shoulder + F(0.5) * x2)
    shade = depth * F(0.6) + x * (p.light_k * p.light_x * F(0.6))
    shade += p.light * F(0.85)
    alpha = cover(-depth, F(1.3) * F(2.0) / F(view.size))
    stripe = np.clip(wave((y + F(0.3) * x2) * p.stripes) * F(3.0), F(0.0), F(1.0))  # no stripes: wave(0) = 0
    over(image, alpha, [shade * (a + stripe * (b - a)) for a, b in zip(p.cloth, p.trim, strict=True)])
    return alpha


def paint_skin(p: SimpleNamespace, view: View, image: np.ndarray) -> np.ndarray:
    """Neck, ears and head with soft light; returns the coverage of all skin."""
    x, y, px = view.x, view.y, view.px
    down = np.maximum(y, F(0.0))
    # Neck, with a scooped or pointed neckline, darkest right under the chin.
    aside = np.abs(x)
    flare = np.maximum(y - F(0.58), F(0.0))
    dip = np.where(p.v_neck > 0, aside * F(1.0), aside * aside * F(2.2))
    neck = cover(np.maximum(aside - p.neck_w - flare * F(0.9), y + dip - p.neckline), px)
    neck *= y > F(0.1)
    shade = ramp((y - F(0.46)) * F(3.2))
    shade *= F(0.26)
    shade += F(0.62)
    # Ears, mirrored; turning the head hides one a little.
    ear = np.abs(x + F(0.02) * p.yaw) - p.face_w
    f = np.sqrt(ellipse2(ear, y - F(0.02), p.ear, F(1.75) * p.ear))
    inner = np.minimum(f, F(1.0)) * F(0.22) + F(0.68)
    alpha = cover((f - F(1.0)) * p.ear, px)
    shade += alpha * (inner - shade)
    np.maximum(alpha, neck, out=alpha)
    # Head: an ellipse that narrows to the chin, lit as if it were a ball.
    fx = x * (F(1.0) + p.jaw * down * down) / p.face_w
    fy = y / p.face_h
    f = fx * fx
    f += fy * fy
    lit = F(1.06) - F(0.20) * f
    lit += fx * (p.light_k * p.light_x)
    lit += fy * (p.light_k * p.light_y)
    face = cover((np.sqrt(f) - F(1.0)) * p.face_w, px)
    shade += face * (lit - shade)
    shade *= p.light
    np.maximum(alpha, face, out=alpha)
    over(image, alpha, [np.minimum(c * shade, F(1.0)) for c in p.skin])
    return alpha


def paint_eyes(p: SimpleNamespace, view: View, image: np.ndarray) -> None:
    """Eyes and brows; one side is computed and mirrored, only the gaze and the glint know left from right."""
    px = view.px
    x = view.x - F(0.065) * p.yaw
    side = np.where(x < F(0.0), F(-1.0), F(1.0))
    x = np.abs(x) - p.eye_x
    y = view.y - p.eye_y + p.slant * x
    bow = parabola(x, p.eye_w) * p.eye_h
    light = p.light
    # Socket shade, white, iris, pupil, glint, upper lid.
    socket = bump(ellipse2(x, y + F(0.02), F(1.7) * p.eye_w, F(2.4) * p.socket_h)) * F(0.35)
    over(image, socket, p.skin * F(0.55) * light)
    white = cover(np.abs(y) - bow, px)
    over(image, white, [light * F(c) for c in (0.95, 0.95, 0.93)])
    gx = x - side * p.gaze
    r = np.sqrt(gx * gx + y * y)
    over(image, white * cover(r - p.iris_r * F(0.98), px), p.iris * light)
    over(image, white * cover(r - p.iris_r * F(0.45), px), [F(0.03)] * 3)
    glint = gx - side * F(0.018) * np.where(p.light_x < 0, F(-1.0), F(1.0))
    over(image, white * bump(ellipse2(glint, y + F(0.02), 0.034, 0.034)), WHITE)
    lid = cover(np.abs(y + bow) - F(0.011), px)
    lid *= cover(np.abs(x) - p.eye_w * F(1.12), px)
    over(image, lid * F(0.85), [F(c) for c in (0.13, 0.08, 0.07)])
    # Brows taper outwards.
    bx = x - F(0.01)
    arc = view.y - p.eye_y + p.brow_y - p.brow_slope * bx + F(0.012) - p.brow_arch * bx * bx
    brow = cover(np.abs(arc) - p.brow_t * (F(1.0) - F(2.6) * bx), px)
    brow *= cover(np.abs(bx) - F(1.25) * p.eye_w, px)
    over(image, brow * F(0.9), p.brow * light)


def paint_lower_face(p: SimpleNamespace, view: View, image: np.ndarray) -> np.ndarray:
    """Cheeks, nose and mouth; returns the mouth region, an ellipse that any mouth fits in with a margin."""
    px, light = view.px, p.light
    dark = p.skin * F(0.5) * light
    cheek = bump(ellipse2(np.abs(view.x - F(0.03) * p.yaw) - F(0.22), view.y - F(0.15), 0.13, 0.11))
    over(image, cheek * p.blush, [c * light * F(k) for c, k in zip(p.skin, (1.05, 0.66, 0.66), strict=True)])
    # Nose: shaded along the side away from the light, lit on the tip.
    x = view.x - F(0.10) * p.yaw
    y = view.y - p.nose_y
    away = np.where(p.light_x < 0, F(1.0), F(-1.0))
    over(image, bump(ellipse2(x - away * F(0.035), y + F(0.08), 0.05, 0.17)) * F(0.40), dark)
    over(image, bump(ellipse2(x, y - F(0.012), F(1.8) * p.nose_w, F(0.6) * p.nose_w)) * F(0.55), dark)
    bright = np.minimum(p.skin * F(1.25) + F(0.06), F(1.0)) * light
    over(image, bump(ellipse2(x + away * F(0.008), y + F(0.04), 0.045, 0.06)) * F(0.45), bright)
    over(image, bump(ellipse2(np.abs(x) - F(0.55) * p.nose_w, y, 0.03, 0.024)) * F(0.8), dark * F(0.7))
    # Mouth: a lens between two parabolas, bent upwards at the corners by a smile.
    x = view.x - F(0.08) * p.yaw
    y = view.y - p.mouth_y
    region = cover((np.sqrt(ellipse2(x, y - F(0.005), p.reach_x, p.reach_y)) - F(1.0)) * p.reach_y, px)
    lens = parabola(x, p.mouth_w)
    bent = y + p.mouth_bend * (x * x - F(0.4) * p.mouth_w * p.mouth_w)
    wide = np.maximum(-p.lip_up * lens - bent, bent - (p.lip_low + p.mouth_open) * lens)
    lips = cover(wide, px)
    lips *= region
    shade = light * (F(0.92) + F(2.2) * bent)
    over(image, lips, [c * shade for c in p.lips])
    gap = F(0.004) + F(0.05) * p.mouth_open
    inside = cover(np.maximum(-gap - bent, bent - (gap + p.mouth_open) * lens), px)
    inside *= lips
    inside *= F(0.75) + F(0.25) * p.teeth_shown
    over(image, inside, p.lips * F(0.35) * light)
    teeth = cover(bent - p.mouth_open * F(0.72) * lens, px)
    teeth *= inside
    teeth *= p.teeth_shown
    over(image, teeth, [light * F(c) for c in (0.97, 0.96, 0.92)])
    corner = F(-0.6) * p.mouth_bend * p.mouth_w * p.mouth_w
    crease = bump(ellipse2(np.abs(x) - p.mouth_w - F(0.012), y - corner, 0.028, 0.04)) * p.crease
    over(image, crease * region * F(0.6), dark)
    return region
