"""How hair and glasses of a drawn face are painted; see drawn_faces_parts for the conventions."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from lomit_tf.data.drawn_faces_parts import WHITE, F, View, bump, cover, over, ramp, wave


def paint_hair(p: SimpleNamespace, view: View, image: np.ndarray, body: np.ndarray) -> np.ndarray:
    """Hair over all but, inside the face's opening, the `body` (skin and clothes); returns its coverage."""
    x, y, px = view.x, view.y, view.px
    crown = F(-0.08)
    below = np.maximum(y - crown, F(0.0))
    # Outline: half an ellipse, then sides that flare, wave and end at `length`.
    half = p.face_w + p.side
    width = wave(y * p.curl_f + p.curl_p)
    width *= p.curl
    width += p.flare
    width *= below
    width += half
    height = p.face_h + p.top + crown
    lat = np.minimum(y - crown, F(0.0)) * (F(1.0) / height)
    rel = x / width
    lat2 = lat * lat
    rel2 = rel * rel
    outline = np.sqrt(rel2 + lat2)
    outline -= F(1.0)
    outline *= half
    end = wave(rel * p.tips_f + p.curl_p)
    end *= p.tips
    end += y - p.length
    end += p.round * rel2 * rel2
    np.maximum(outline, end, out=outline)
    alpha = cover(outline, px)
    # Opening: below the hairline, between the side locks, narrowing to a corridor under the chin.
    dx = x - p.bow_x
    rise = p.bow * dx * dx
    hairline = rise / (F(1.0) + rise * F(2.8))
    hairline += p.slope * x
    hairline += p.line
    hairline += wave(x * p.teeth_f + p.curl_p) * p.teeth
    gate = ramp((y - F(0.25)) * F(2.6))
    inner = p.face_w * p.inner
    gate *= p.corridor - inner
    gate += inner
    hairline -= y
    opening = cover(np.maximum(hairline, np.abs(x - F(0.03) * p.yaw) - gate), px)
    hidden = opening * body
    np.subtract(F(1.0), hidden, out=hidden)
    alpha *= hidden
    # Strands run along meridians from the parting down; the fine ones only where pixels can hold them.
    pole = np.sqrt(np.maximum(F(1.0) - lat2, F(0.05)))
    strand = (x + lat * p.part) / (width * pole)
    strand += wave(y * p.curl_f + p.curl_p) * F(0.06)
    texture = np.zeros_like(x)
    for k in range(4 if view.size >= 112 else 3):
        lines = wave(strand * getattr(p, f"strand{k}") + getattr(p, f"strand{k}_p"))
        texture += lines * getattr(p, f"strand{k}_a")
    shade = texture + F(0.97)
    shade += rel * (p.light_k * p.light_x)
    shade += y * (p.light_k * p.light_y * F(1.2))
    shade += below * p.tip_light
    shade -= F(0.42) * opening  # hair seen through the opening hangs behind the neck
    np.maximum(shade, F(0.25), out=shade)
    shade *= p.light
    gloss = (y - p.gloss_y - F(0.55) * (x - p.light_x * F(0.12)) ** 2 + F(0.10) * texture) / p.gloss_w
    gloss *= gloss
    gloss = bump(gloss * F(0.5))
    gloss *= p.gloss
    gloss *= np.clip(F(0.6) + F(2.5) * texture, F(0.0), F(1.0))
    colours = zip(p.hair, p.hair_glow, strict=True)
    over(image, alpha, [_glossy(matt * shade, glow * p.light, gloss) for matt, glow in colours])
    return alpha


def _glossy(matt: np.ndarray, glow: np.ndarray, gloss: np.ndarray) -> np.ndarray:
    """From `matt` (N, H, W), in place, to `glow` (N, 1, 1) as `gloss` goes from 0 to 1."""
    matt += (glow - matt) * gloss
    return matt


def paint_glasses(p: SimpleNamespace, view: View, image: np.ndarray, hair: np.ndarray) -> np.ndarray:
    """Glasses, where worn, over all else but with their arms under the `hair`.

    Returns their coverage, that of lens tint and glare included; exactly 0 where none are worn.
    """
    px = view.px
    x0 = view.x - F(0.065) * p.yaw
    apart = np.abs(x0)
    x = apart - np.maximum(p.eye_x, p.lens_w + F(0.03))
    y = view.y - p.eye_y - F(0.008)
    rel_x, rel_y = np.abs(x / p.lens_w), np.abs(y / p.lens_h)
    box = np.maximum(rel_x, rel_y)
    rel = np.sqrt(rel_x * rel_x + rel_y * rel_y)
    rel -= box
    rel *= p.lens_round
    rel += box
    edge = (rel - F(1.0)) * p.lens_h
    half = F(0.5) * p.frame_t
    lens = cover(edge - half, px)
    lens *= p.worn
    total = lens * p.tint_a
    over(image, total, p.tint * p.light)
    glare = bump(((x0 * F(0.7) + y - p.glare_x) / F(0.05)) ** 2 * F(0.5))
    glare *= lens
    glare *= p.glare
    over(image, glare, WHITE)
    frame = cover(np.abs(edge) - half, px)
    bridge = np.maximum(np.abs(y + F(0.03) - F(1.5) * x0 * x0) - half * F(0.9), apart - F(0.06))
    np.maximum(frame, cover(np.maximum(bridge, -edge), px), out=frame)
    arm = np.maximum(np.abs(y + F(0.03)) - half * F(0.8), np.abs(view.x) - p.face_w - F(0.01))
    arm = cover(np.maximum(arm, np.maximum(-edge, -x)), px)
    arm *= F(1.0) - hair
    np.maximum(frame, arm, out=frame)
    frame *= p.worn
    over(image, frame, p.frame * p.light)
    for alpha in (glare, frame):
        total += alpha * (F(1.0) - total)
    return total
