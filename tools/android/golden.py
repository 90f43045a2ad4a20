"""Write what the Android demo's tests compare with: `python tools/android/golden.py`.

android_demo/core/testdata comes from `preprocess` (TensorFlow) and the imaging modules (OpenCV), the core's
counterparts in Python, of drawn faces and a portrait in the public domain; competing regions from golden_regions.py,
pixels that move from golden_moving.py.
android_demo/desktop/testdata comes from golden_models.py.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import golden_models
import golden_moving
import golden_regions
import numpy as np
from PIL import Image

from lomit_tf.data import preprocess
from lomit_tf.data.drawn_faces import draw
from lomit_tf.imaging import blazeface, curves, faces, framing, framing_network, mask_edges, mask_planes, paste_back
from lomit_tf.imaging.celeba_framing import SHAPE
from lomit_tf.imaging.connected import keep_connected
from lomit_tf.imaging.framing import Window
from lomit_tf.imaging.given_masks import replace
from lomit_tf.imaging.look import Look

DEMO = Path(__file__).parents[2] / "android_demo"
SIZE = 64
# Where a turned grid of curves lies in the photo, as the core's tests say too.
TURNED = np.array([[0.008, 0.0025, -0.35], [-0.0025, 0.008, -0.1]])
HEAD = Window(75, 5, 115, 105)  # within the portrait, as MaskEdgesTest says too


def core_pictures() -> dict[str, np.ndarray]:
    """File names, and pictures (H, W, 3) or masks (H, W), all uint8."""
    faces = draw([3, 4], size=200).images
    photo = np.ascontiguousarray(faces[0][3:180, 20:169])  # 149x177: odd margins
    large = _large(5)[:290]  # two steps of the upsampling: 64, 256, 300
    painted = preprocess.square(faces[1], 0, SIZE).numpy()
    rows, columns = np.mgrid[:SIZE, :SIZE]
    mask = np.round(255 * np.clip(1.6 - np.hypot(rows - 30, columns - 27) / 18, 0, 1)).astype(np.uint8)
    window = Window(12, 31, 110, 101)  # within the photo, so that the change fades out on all four sides
    beyond, turned = Window(30, -47, 296, 296), Window(40, 30, 200, 200, 25.0)
    assert beyond.left + beyond.width > 300 and beyond.top < 0
    return {
        "photo.png": photo,
        "large.png": large,
        "square_64.png": preprocess.square(photo, 0, 64).numpy(),
        "square_200.png": preprocess.square(photo, 0, 200).numpy(),
        "view.png": _view(photo, window),
        "view_beyond.png": _view(large, beyond),
        "painted.png": painted,
        "mask.png": mask,
        "pasted.png": _pasted(photo, window, painted, mask),
        "pasted_beyond.png": _pasted(large, beyond, painted, mask),
        "view_turned.png": _view(large, turned),
        "pasted_turned.png": _pasted(large, turned, painted, mask),
        **{f"look_{n}.png": picture for n, picture in enumerate(_looks(large))},
        **_curved(photo, window, mask),
        **golden_moving.pictures(photo, painted, mask),
        **_shared(),
        **_connected(),
    }


def _curved(photo: np.ndarray, window: Window, mask: np.ndarray) -> dict[str, np.ndarray]:
    """Curves of two groups as a grey picture, a second mask, and the photo that they change, also in a turned window.

    In the picture of the curves, level 128 is no change and 127 levels are 0.8; rows are those of the grid, and columns
    its columns with their channels side by side.
    """
    rows, columns, channels = np.mgrid[: SIZE // 8, : SIZE // 8, : 2 * 4 * curves.BINS]
    waves = np.sin(0.5 * rows + 0.3 * columns + 0.11 * channels + 2.1 * (channels % 4))
    levels = np.uint8(np.round(128 + 100 * waves)).reshape(SIZE // 8, -1)
    other = np.ascontiguousarray(mask[::-1, ::-1])
    grid = (np.float32(levels) - 128) / 127 * np.float32(0.8)
    grid = grid.reshape(rows.shape)
    masks = np.stack([mask, other], axis=-1) / np.float32(255)
    straight = mask_planes.rectangle(window.left, window.top, window.width, window.height)
    return {
        "curves.png": levels,
        "mask_other.png": other,
        "curved.png": curves.apply(photo, grid, masks, straight),
        "curved_turned.png": curves.apply(photo, grid, masks, TURNED, straight, strength=0.7),
    }


def _shared() -> dict[str, np.ndarray]:
    """Masks of three groups, one of which is given, and what `replace` makes of them: groups below each other."""
    rows, columns = np.mgrid[:16, :16]
    own = np.stack([np.uint8(60 + 5 * rows), np.uint8(4 * columns), np.uint8(50 - 2 * columns)], axis=-1)
    given = np.uint8(np.clip(20 * rows - 30, 0, 255))
    masks = np.dstack([own, 255 - own.sum(axis=-1, dtype=np.uint16)]) / np.float32(255)
    after = replace(np.float32(masks), {1: np.float32(given / 255)})[..., :3]
    return {
        "own_masks.png": own.transpose(2, 0, 1).reshape(-1, 16),
        "given_mask.png": given,
        "shared_masks.png": np.uint8(np.round(255 * after)).transpose(2, 0, 1).reshape(-1, 16),
    }


def _connected() -> dict[str, np.ndarray]:
    """A mask (96, 160) of a large part, one that is large enough, smaller ones, and a rim; and what stays of it."""
    rows, columns = np.mgrid[:96, :160]
    parts = ((40, 45, 30, 255), (28, 112, 25, 250), (80, 116, 20, 240), (88, 10, 5, 255), (5, 150, 3, 200))
    level = np.max([top * np.clip(1.3 - np.hypot(rows - y, columns - x) / r, 0, 1) for y, x, r, top in parts], axis=0)
    mask = np.uint8(np.round(np.maximum(level, 30 + 21 * (columns % 2))))  # 51 is 0.2, which is not above it
    tail = np.arange(20, 38)
    mask[40 + tail, 45 + tail] = 120  # hangs together by corners
    made = keep_connected(_regions(mask)[None], (0,))[0, ..., 0]
    assert made[28, 112] and made[40, 45] and not made[80, 116] and not made[0, 0] and made[77, 82]
    return {"parts.png": mask, "parts_kept.png": np.uint8(np.round(255 * made))}


def _regions(mask: np.ndarray) -> np.ndarray:
    """A mask (H, W) uint8 with its background: (H, W, 2) float32."""
    share = mask / np.float32(255)
    return np.stack([share, 1 - share], axis=-1)


def _looks(photo: np.ndarray) -> list[np.ndarray]:
    look = Look(photo)
    squares = ((150, 140, 90, 20, 128), (149.5, 144.5, 300, 0, 64), (40, 250, 260, -40, 48))
    return [look.square(np.array([x, y], float), side, angle, size)[0] for x, y, side, angle, size in squares]


def numbers() -> dict[str, np.ndarray]:
    """File names, and rows of numbers: made-up outputs of the face detector and what is made of them."""
    made, rng = {}, np.random.default_rng(0)
    for name, model in (("short", blazeface.SHORT), ("full", blazeface.FULL)):
        count = len(blazeface.anchors(model))
        near = np.concatenate([at + np.arange(5) for at in (300, 330, 100, 800)])  # several of one face, and others
        logits, regressors = np.full(count, -100, np.float32), np.zeros((count, 16), np.float32)
        logits[near] = rng.normal(0.5, 1.5, len(near))
        regressors[near] = np.round(rng.normal(0, 12, (len(near), 16)), 3)
        regressors[near, 2:4] = np.round(rng.uniform(30, 50, (len(near), 2)), 3)
        made[f"{name}_output.txt"] = np.column_stack([near, logits[near], regressors[near]])
        made[f"{name}_merged.txt"] = blazeface.merged(blazeface.decode(regressors, logits, model, 0.3))
    sizes = ((1000.0, 700.0), (300.0, 4000.0))
    made["squares.txt"] = np.array(
        [
            [*centre, side]
            for size in sizes
            for centre, side in [((np.array(size) - 1) / 2, max(size)), *faces.tiles(np.array(size))]
        ]
    )
    rows = []
    for n in range(6):
        turn = rng.uniform(60, 900) * np.exp(1j * np.radians(rng.uniform(-50, 50)))
        z = turn * (SHAPE @ [1, 1j] + (rng.normal(0, 0.02, 6) + 1j * rng.normal(0, 0.02, 6))) + complex(300, 200)
        points, zoom = np.stack([z.real, z.imag], axis=1), (1.0, 0.75)[n % 2]
        window = framing.face_window(faces.Face(1.0, points, np.zeros(2), 1.0), zoom)
        rows.append([*points.ravel(), zoom, window.left, window.top, window.width, window.angle])
    made["framing.txt"] = np.array(rows)
    made["moved.txt"] = np.array([_moved(rng) for _ in range(6)])
    return made


def _moved(rng: np.random.Generator) -> list[float]:
    """A crop, what the framing network might say of it, some of it too much, and the crop that follows."""
    turn = complex(rng.uniform(60, 900) * np.exp(1j * np.radians(rng.uniform(-50, 50))))
    centre, output = complex(300, 200), rng.normal(0, 2, 4)
    numbers = (turn, centre, *framing_network.moved(turn, centre, output))
    parts = [part for number in numbers for part in (number.real, number.imag)]
    return [*parts[:4], *output, *parts[4:]]


def _large(seed: int) -> np.ndarray:
    """A drawn face, 300x300."""
    large: np.ndarray = preprocess.resize(draw([seed], size=256).images[0], 300).numpy()
    return large


def _view(photo: np.ndarray, window: Window) -> np.ndarray:
    view: np.ndarray = preprocess.resize(framing.cut(photo, window), SIZE).numpy()
    return view


def _pasted(photo: np.ndarray, window: Window, painted: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The change from what the model sees to what it paints, pasted back within the mask: as Translator.translate."""
    size, region = photo.shape[:2], framing.cut(photo, window)
    view = _view(photo, window)
    change = (preprocess.to_model_range(painted) - preprocess.to_model_range(view)).numpy() / 2
    raised = paste_back.upsample_change(change, region)
    where = paste_back.upsample_masks(np.float32(mask / 255)[..., None], region.shape[:2])[..., 0]
    inside = window.inside(size)
    pasted = photo.copy()
    change, blend, fade = (
        framing.uncut(plane, window, size) for plane in (raised, where, paste_back.fading(window, size))
    )
    pasted[inside] = paste_back.add(photo[inside], change, blend * fade, 255)
    return pasted


def dark(window: Window = HEAD) -> tuple[np.ndarray, np.ndarray]:
    """A portrait, 300x300, and a mask (SIZE, SIZE) uint8 of what is dark in a window of it, and goes on below."""
    photo = np.asarray(golden_models.portrait("Eileen Collins", 300))
    view = _view(photo, window).astype(np.float32).mean(axis=-1)
    return photo, np.uint8(np.round(255 * np.clip((100 - view) / 60, 0, 1)))


def _extended() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """What `mask_edges.extend` makes of that mask, in an upright and a turned window, and of one below the hair's top.

    Pictures, and rows of their maps.
    """
    photo, mask = dark()
    lower = dataclasses.replace(HEAD, top=HEAD.top + 45)
    pictures, maps = {"dark.png": photo, "dark_mask.png": mask, "dark_mask_lower.png": dark(lower)[1]}, {}
    turned = dataclasses.replace(HEAD, angle=20.0)
    for name, window in (("extended", HEAD), ("extended_turned", turned), ("extended_lower", lower)):
        mask = pictures["dark_mask_lower.png" if window is lower else "dark_mask.png"]
        given = mask[..., None] / np.float32(255)
        beyond, place = mask_edges.extend(photo, given, window.matrix)
        assert beyond is not given and (beyond[len(beyond) // 2 :] > 0.5).sum() > 100
        pictures[f"{name}.png"], maps[f"{name}.txt"] = np.uint8(np.round(255 * beyond[..., 0])), place
    return pictures, maps


def main() -> None:
    """Write all pictures, and remove those of another model's groups."""
    extended, maps = _extended()
    desktop = DEMO / "desktop" / "testdata"
    translations, windows = golden_models.translations(DEMO / "assets")
    regions, region_rows = golden_regions.regions()
    of_core = numbers() | maps | region_rows | {"moments.txt": golden_models.moments()}
    tables = {DEMO / "core" / "testdata" / name: rows for name, rows in of_core.items()}
    tables |= {desktop / "faces.txt": golden_models.found_faces(), desktop / "windows.txt": windows}
    tables[desktop / "painters_stroke.txt"] = np.array([golden_models.STROKE])
    for path, rows in tables.items():
        lines = (" ".join(repr(value) for value in row) for row in rows.astype(float).tolist())
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    of_desktop = translations | golden_models.two_painters(desktop)
    for part, pictures in (("core", core_pictures() | extended | regions), ("desktop", of_desktop)):
        folder = DEMO / part / "testdata"
        for old in folder.glob("*.png"):
            if old.name not in pictures:
                old.unlink()
        for name, picture in pictures.items():
            Image.fromarray(picture).save(folder / name, optimize=True)


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    main()
