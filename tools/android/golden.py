"""Write what the Android demo's tests compare with: `python tools/android/golden.py`, drawn faces only.

android_demo/core/testdata comes from `preprocess` (TensorFlow) and `paste_back` (OpenCV), the core's counterparts in
Python; android_demo/desktop/testdata from the Translator with the TFLite files of android_demo/assets as its networks,
and from a small model with random weights, hair by curves and smile free, whose own translation the core has to give.
"""

from __future__ import annotations

import collections
import types
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from export import graphs, tflite
from export.runtimes import TFLite
from lomit_tf import core
from lomit_tf.config import LomitConfig
from lomit_tf.data import preprocess
from lomit_tf.data.drawn_faces import draw
from lomit_tf.imaging import curves, faces, framing, paste_back
from lomit_tf.imaging.celeba_framing import SHAPE
from lomit_tf.imaging.framing import Window
from lomit_tf.imaging.given_masks import replace
from lomit_tf.inference import PaintedArrays
from lomit_tf.model import Lomit
from lomit_tf.photos.translator import Translator

DEMO = Path(__file__).parents[2] / "android_demo"
SIZE = 64
# Where a turned grid of curves lies in the photo, as the core's tests say too.
TURNED = np.array([[0.008, 0.0025, -0.35], [-0.0025, 0.008, -0.1]])
DISC = 0.47, 0.36, 0.2  # x, y and radius, in sides: the hair that a person drew, as TwoPaintersTest says too
PAINTERS = {  # the smallest networks, as tests/conftest.py has them
    "attributes": ("Black_Hair", "Smiling"), "groups": "hair: Black_Hair; smile: Smiling", "colour_groups": ("hair",),
    "output": "composite", "masks": "decoupled", "mask_contrast": 0.85, "image_size": SIZE, "base_channels": 4,
    "residual_blocks": 1, "edge_kernel": 3, "upsample_kernel": 3, "style_dim": 4, "style_downsamples": 2,
    "mask_upsamples": 1, "mlp_width": 8, "critic_channels": 4, "critic_layers": 3,
}  # fmt: skip


class Files:
    """The two TFLite files with the methods of `lomit_tf.inference.Inference`. A "style" is the exemplar itself.

    Colour groups are those that model.properties names.
    """

    def __init__(self, folder: Path) -> None:
        self._mask_net, self._generator = (TFLite(folder / f"{part}_int8.tflite") for part in ("mask_net", "generator"))
        groups = tuple((folder / "labels.txt").read_text(encoding="utf-8").split())
        lines = (folder / "model.properties").read_text(encoding="utf-8").splitlines()
        colours = dict(line.split("=", 1) for line in lines)["colour"].split(",")
        coloured = tuple(i for i, name in enumerate(groups) if name in colours)
        free = tuple(i for i in range(len(groups)) if i not in coloured)
        generator = types.SimpleNamespace(free_groups=free, colour_groups=coloured)
        self.model = types.SimpleNamespace(group_names=groups, inference_generator=generator)
        self.size = int(self._mask_net._runner.get_input_details()["image"]["shape"][1])

    def masks(self, images: np.ndarray) -> np.ndarray:
        """As Inference.masks: with the background."""
        masks = self._mask_net.run({"image": images})["masks"]
        return np.concatenate([masks, 1 - masks.sum(axis=-1, keepdims=True)], axis=-1)

    def styles(self, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """What `paint` needs of exemplars: (B, S, S, 3 + G)."""
        return np.concatenate([images, masks[..., :-1]], axis=-1)

    def paint(self, images: np.ndarray, masks: np.ndarray, styles: np.ndarray, transfer: np.ndarray) -> PaintedArrays:
        """As Inference.paint."""
        feed = {"image": images, "exemplar": styles[..., :3], "exemplar_masks": styles[..., 3:]}
        feed |= {"transfer": transfer} if len(self.model.group_names) > 1 else {}
        painted = self._generator.run(feed | {"image_masks": masks[..., :-1]})
        return PaintedArrays(masks, painted.get("raw"), painted.get("curves"))

    def translate(self, images: np.ndarray, styles: np.ndarray, transfer: np.ndarray) -> PaintedArrays:
        """As Inference.translate."""
        return self.paint(images, self.masks(images), styles, transfer)


class FilesTranslator(Translator):
    """The Translator of lomit_tf, with TFLite files in the place of a model."""

    def __init__(self, folder: Path) -> None:
        self.inference = Files(folder)  # type: ignore[assignment]
        self.crop, self.log_notes = "center", False
        self._exemplar, self._of_files = None, collections.OrderedDict()
        self._colour = self.inference.model.inference_generator.colour_groups
        self._faces, self._zoom = False, 1.0


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
        "seen.png": _seen(photo, window),
        "seen_beyond.png": _seen(large, beyond),
        "painted.png": painted,
        "mask.png": mask,
        "carried.png": _carried(photo, window, painted, mask),
        "carried_beyond.png": _carried(large, beyond, painted, mask),
        "seen_turned.png": _seen(large, turned),
        "carried_turned.png": _carried(large, turned, painted, mask),
        **{f"look_{n}.png": picture for n, picture in enumerate(_looks(large))},
        **_curved(photo, window, mask),
        **_shared(),
    }


def _curved(photo: np.ndarray, window: Window, mask: np.ndarray) -> dict[str, np.ndarray]:
    """Curves of two groups as a grey picture, a second mask, and the photo that they change, also in a turned window.

    In the picture of the curves, level 128 is no change and 127 levels are 0.8; rows are those of the grid, and columns
    its columns with their channels side by side.
    """
    rows, columns, channels = np.mgrid[: SIZE // 8, : SIZE // 8, : 2 * 3 * curves.BINS]
    waves = np.sin(0.5 * rows + 0.3 * columns + 0.11 * channels + 2.1 * (channels % 3))
    levels = np.uint8(np.round(128 + 100 * waves)).reshape(SIZE // 8, -1)
    other = np.ascontiguousarray(mask[::-1, ::-1])
    grid = (np.float32(levels) - 128) / 127 * np.float32(0.8)
    grid = grid.reshape(rows.shape)
    masks = np.stack([mask, other], axis=-1) / np.float32(255)
    straight = curves.rectangle(window.left, window.top, window.width, window.height)
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


def _looks(photo: np.ndarray) -> list[np.ndarray]:
    look = faces.Look(photo)
    squares = ((150, 140, 90, 20, 128), (149.5, 144.5, 300, 0, 64), (40, 250, 260, -40, 48))
    return [look.square(np.array([x, y], float), side, angle, size)[0] for x, y, side, angle, size in squares]


def numbers() -> dict[str, np.ndarray]:
    """File names, and rows of numbers: made-up outputs of the face detector and what is made of them."""
    made, rng = {}, np.random.default_rng(0)
    for name, model in (("short", faces.SHORT), ("full", faces.FULL)):
        count = len(faces.anchors(model))
        near = np.concatenate([at + np.arange(5) for at in (300, 330, 100, 800)])  # several of one face, and others
        logits, regressors = np.full(count, -100, np.float32), np.zeros((count, 16), np.float32)
        logits[near] = rng.normal(0.5, 1.5, len(near))
        regressors[near] = np.round(rng.normal(0, 12, (len(near), 16)), 3)
        regressors[near, 2:4] = np.round(rng.uniform(30, 50, (len(near), 2)), 3)
        made[f"{name}_output.txt"] = np.column_stack([near, logits[near], regressors[near]])
        made[f"{name}_merged.txt"] = faces.merged(faces.decode(regressors, logits, model, 0.3))
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
    return made


def _large(seed: int) -> np.ndarray:
    """A drawn face, 300x300."""
    large: np.ndarray = preprocess.resize(draw([seed], size=256).images[0], 300).numpy()
    return large


def _seen(photo: np.ndarray, window: Window) -> np.ndarray:
    seen: np.ndarray = preprocess.resize(framing.cut(photo, window), SIZE).numpy()
    return seen


def _carried(photo: np.ndarray, window: Window, painted: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The change from what is seen to what is painted, carried back within the mask: as Translator.finish."""
    size, region = photo.shape[:2], framing.cut(photo, window)
    seen = _seen(photo, window)
    change = (preprocess.to_model_range(painted) - preprocess.to_model_range(seen)).numpy() / 2
    raised = paste_back.upsample_change(change, region)
    where = paste_back.upsample_masks(np.float32(mask / 255)[..., None], region.shape[:2])[..., 0]
    inside = window.inside(size)
    carried = photo.copy()
    change, blend, fade = (
        framing.uncut(plane, window, size) for plane in (raised, where, paste_back.fading(window, size))
    )
    carried[inside] = paste_back.add(photo[inside], change, blend * fade, 255)
    return carried


def portrait() -> np.ndarray:
    """A photograph with a small, turned face: the portrait of lomit_tf/samples (NASA, public domain), 420x360."""
    with Image.open(DEMO.parent / "lomit_tf" / "samples" / "astronaut.png") as picture:
        small = picture.convert("RGB").resize((300, 300), Image.Resampling.LANCZOS)
    canvas = Image.new("RGB", (420, 360), (120, 130, 140))
    canvas.paste(small.rotate(20, Image.Resampling.BICUBIC, fillcolor=(120, 130, 140)), (70, 40))
    return np.asarray(canvas)


def found_faces() -> np.ndarray:
    """Rows of what is found in the portrait: score, x and y of the six points, centre and side."""
    return np.array([[f.score, *f.points.ravel(), *f.centre, f.side] for f in faces.find(portrait())])


def desktop() -> dict[str, np.ndarray]:
    """Pictures and the Translator's results with the files of the assets."""
    translator = FilesTranslator(DEMO / "assets")
    photo, exemplar = _large(11), _large(12)  # squares: no end of a window within them, where the core only fades
    translator.set_exemplar(exemplar)
    pictures = {"portrait.png": portrait(), "input.png": photo, "exemplar.png": exemplar}
    pictures["all.png"] = translator.translate(photo).image
    for i, group in enumerate(translator.groups):
        pictures[f"only_{i}.png"] = translator.translate(photo, groups=[group]).image
    prepared = translator.prepare(photo)
    translator.masks(prepared)
    assert prepared.own_masks is not None
    for i in range(len(translator.groups)):
        pictures[f"mask_{i}.png"] = np.uint8(np.round(255 * prepared.own_masks[..., i]))
    return pictures


def disc() -> np.ndarray:
    """A mask that a person drew: (SIZE, SIZE), 1 within DISC and 0 elsewhere."""
    y, x = (np.mgrid[:SIZE, :SIZE] + 0.5) / SIZE
    return np.float32(np.hypot(x - DISC[0], y - DISC[1]) <= DISC[2])


def painters(folder: Path) -> dict[str, np.ndarray]:
    """Write float32 files of a random model with both painters; two pictures, and what `core` makes of them."""
    keras.utils.set_random_seed(3)
    model = Lomit(LomitConfig.create(**PAINTERS))
    model.build()
    g = model.inference_generator
    for layer in (g.style_encoder.code, g.curve_head.maps.conv):
        layer.kernel.assign(layer.kernel * 5)  # so that styles show
    module = graphs.MobileModule(model)
    for part in tflite.PARTS:
        (folder / f"painters_{part}.tflite").write_bytes(tflite.convert(module, part))
    pair = draw(range(20_000_000, 20_000_002), size=SIZE).images
    image, exemplar = (np.asarray(preprocess.to_model_range(x[None])) for x in pair)
    edits = np.stack([disc(), np.full((SIZE, SIZE), -1, np.float32)], axis=-1)[None]
    made = core.apply_styles(g, image, core.encode_exemplar(g, exemplar)[0], edits=edits)
    masks = np.asarray(made.masks)[0, ..., :-1]
    above = np.all((masks >= paste_back.MASK_FLOOR) | (masks == 0), axis=-1)
    return {
        "painters_input.png": pair[0], "painters_exemplar.png": pair[1],
        "painters_made.png": preprocess.from_model_range(np.asarray(made.image))[0].numpy(),
        "painters_above.png": np.uint8(255 * above),
    }  # fmt: skip


def main() -> None:
    """Write all pictures, and remove those of another model's groups."""
    tables = {DEMO / "core" / "testdata" / name: rows for name, rows in numbers().items()}
    tables[DEMO / "desktop" / "testdata" / "faces.txt"] = found_faces()
    for path, rows in tables.items():
        lines = (" ".join(repr(value) for value in row) for row in rows.astype(float).tolist())
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    of_desktop = desktop() | painters(DEMO / "desktop" / "testdata")
    for part, pictures in (("core", core_pictures()), ("desktop", of_desktop)):
        folder = DEMO / part / "testdata"
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.png"):
            if old.name not in pictures:
                old.unlink()
        for name, picture in pictures.items():
            Image.fromarray(picture).save(folder / name, optimize=True)


if __name__ == "__main__":
    main()
