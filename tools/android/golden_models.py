"""What golden.py writes into android_demo/desktop/testdata: pictures that the app's models give in Python.

The portraits of lomit_tf/samples (public domain), translated by the Translator with the TFLite files of
android_demo/assets as its networks: after each other, with colours that are set, and in a turned window. And a small
model with random weights, hair by curves and smile free, whose own translation the core has to give.
"""

from __future__ import annotations

import collections
import dataclasses
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from export import artefacts, graphs, tflite
from export.runtimes import TFLite
from lomit_tf import core
from lomit_tf.config import LomitConfig
from lomit_tf.data import preprocess
from lomit_tf.data.drawn_faces import draw
from lomit_tf.engines.outline import Outline
from lomit_tf.imaging import colours, faces, paste_back
from lomit_tf.model import Lomit
from lomit_tf.networks.colour import MOMENTS
from lomit_tf.photos import portraits
from lomit_tf.photos.translator import Exemplar, Translator

SIZE = 64
GREY = (120, 130, 140)
SET = ("#2b6fd6", "#c9a063")  # the colours that the desktop's test sets too
# The hair that a person drew, in tests/model/test_one_picture.py and in TwoPaintersTest: x, y and radius, in sides, and
# hardness, as core/Stroke.java has them. No mask that it leaves lies between 0 and PasteBack.MASK_FLOOR.
STROKE = 0.4765625, 0.359375, 0.21, 0.8
PAINTERS = {  # the smallest networks, as tests/conftest.py has them
    "attributes": ("Black_Hair", "Smiling"), "groups": "hair: Black_Hair; smile: Smiling", "colour_groups": ("hair",),
    "system": "recipe", "mask_contrast": 0.85, "image_size": SIZE, "base_channels": 4, "residual_blocks": 1,
    "edge_kernel": 3, "style_downsamples": 2, "mask_upsamples": 1, "critic_channels": 4, "critic_layers": 3,
}  # fmt: skip


class Files:
    """The two TFLite files with the methods of `lomit_tf.engines.outline.Networks`.

    Since the exported generator takes an exemplar and no style, the "code" of a style is the exemplar with its masks.
    """

    def __init__(self, folder: Path) -> None:
        self._mask_net, self._generator = (TFLite(folder / f"{part}_int8.tflite") for part in ("mask_net", "generator"))
        groups = tuple((folder / "labels.txt").read_text(encoding="utf-8").split())
        coloured, connected, near, competing = (
            tuple(i for i, name in enumerate(groups) if name in properties(folder).get(kind, "").split(","))
            for kind in ("colour", "connected", "overlapping", "competing")
        )
        size = int(self._mask_net._runner.get_input_details()["image"]["shape"][1])
        code_size = size**2 * (3 + len(groups))
        boxes = {g: (0, 0, size) for g in near}  # the files do not say which squares; notes alone need to know
        self.outline = Outline(size, groups, coloured, "", 0, code_size, connected, boxes, competing)

    def masks(self, images: np.ndarray) -> np.ndarray:
        """As Networks.masks: with the background."""
        masks = self._mask_net.run({"image": images})["masks"]
        return np.concatenate([masks, np.maximum(1 - masks.sum(axis=-1, keepdims=True), 0)], axis=-1)

    def styles(self, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """(B, G, style_size): exemplars with their masks, no moments, the flag 1."""
        groups = len(self.outline.groups)
        code = np.concatenate([images, masks[..., :-1]], axis=-1).reshape(len(images), 1, -1)
        rest = np.tile(np.float32([0] * MOMENTS + [1]), (len(images), 1, 1))
        return np.repeat(np.concatenate([code, rest], axis=-1), groups, axis=1)

    def paint(
        self, images: np.ndarray, masks: np.ndarray, styles: np.ndarray, transfer: np.ndarray
    ) -> list[core.Painting]:
        """As Networks.paint."""
        groups, coloured, size = self.outline.groups, self.outline.coloured, self.outline.code_size
        exemplars = styles[:, 0, :size].reshape(*images.shape[:3], 3 + len(groups))
        feed = {"image": images, "exemplar": exemplars[..., :3], "exemplar_masks": exemplars[..., 3:]}
        feed |= {"transfer": transfer} if len(groups) > 1 else {}
        feed |= {"colours": styles[:, list(coloured), size:-1]} if coloured else {}
        painted = self._generator.run(feed | {"image_masks": masks[..., :-1]})
        named = ("raw", "displacement", "curves")
        parts = {"masks": masks} | {name: painted[name] for name in named if name in painted}
        return [core.Painting(**{name: part[i] for name, part in parts.items()}) for i in range(len(masks))]

    def translate(self, images: np.ndarray, styles: np.ndarray, transfer: np.ndarray) -> list[core.Painting]:
        """As Networks.translate."""
        return self.paint(images, self.masks(images), styles, transfer)


class FilesTranslator(Translator):
    """The Translator of lomit_tf, with TFLite files in the place of a model."""

    def __init__(self, folder: Path) -> None:
        self.inference = Files(folder)
        self.crop, self.log_notes = "face", False
        self._exemplar: Exemplar | None = None
        self._of_files = collections.OrderedDict()
        described = properties(folder)
        self._faces, self._zoom = described["faces"] == "true", float(described["zoom"])


def properties(folder: Path) -> dict[str, str]:
    """What model.properties says."""
    lines = (folder / "model.properties").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines)


def portrait(name: str, side: int) -> Image.Image:
    """A portrait of lomit_tf/samples, its longest side as given."""
    with Image.open(portraits.PORTRAITS[name]) as picture:
        small = picture.convert("RGB")
        small.thumbnail((side, side), Image.Resampling.LANCZOS)
        return small


def turned_portrait() -> np.ndarray:
    """A photograph with a small, turned face: Eileen Collins' portrait, 420x360."""
    canvas = Image.new("RGB", (420, 360), GREY)
    small = portrait("Eileen Collins", 300)
    canvas.paste(small.rotate(20, Image.Resampling.BICUBIC, fillcolor=GREY), (70, 40))
    return np.asarray(canvas)


def found_faces() -> np.ndarray:
    """Rows of what is found in the turned portrait: score, x and y of the six points, centre and side of the box, and
    the crop's upper side and centre."""
    rows = []
    for face in faces.find(turned_portrait(), largest=True):
        assert face.crop is not None
        crop = [part for number in face.crop for part in (number.real, number.imag)]
        rows.append([face.score, *face.points.ravel(), *face.centre, face.side, *crop])
    return np.array(rows)


def translations(assets: Path) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Pictures, and rows of windows: left, top, width, height, angle.

    The windows are those of input (an upright one), exemplar and turned portrait, and the input's as it is found.
    """
    translator = FilesTranslator(assets)
    photo, exemplar, turned = (
        np.asarray(portrait("Eileen Collins", 400)), np.asarray(portrait("Grace Hopper", 300)), turned_portrait(),
    )  # fmt: skip
    found = translator.prepare(photo).window
    crop = found.left, found.top, found.width, found.height
    prepared = [translator.prepare(photo, crop=crop), translator.prepare(exemplar), translator.prepare(turned)]
    prepared[0].window = dataclasses.replace(prepared[0].window, of_face=True)  # a crop says nothing of faces
    translator.set_exemplar(prepared[1])
    pictures = {"input.png": photo, "exemplar.png": exemplar, "portrait.png": turned}
    pictures["all.png"] = translator.translate(prepared[0]).image
    pictures["turned.png"] = translator.translate(prepared[2]).image
    for i, group in enumerate(translator.groups):
        pictures[f"only_{i}.png"] = translator.translate(prepared[0], groups=[group]).image
    if translator.colour_groups:
        for i, colour in enumerate(SET):
            set_colour = translator.encode_colour(colour)
            pictures[f"colour_{i}.png"] = translator.translate(prepared[0], exemplar=set_colour).image
    own = prepared[0].own_masks
    assert own is not None
    for i in range(len(translator.groups)):
        pictures[f"mask_{i}.png"] = np.uint8(np.round(255 * own[..., i]))
    windows = [*(one.window for one in prepared), found]
    return pictures, np.array([[w.left, w.top, w.width, w.height, w.angle] for w in windows])


def drawn() -> np.ndarray:
    """A mask of STROKE alone, (SIZE, SIZE): 1 up to radius times hardness, from there falling to 0 at the radius."""
    x, y, radius, hardness = STROKE
    rows, columns = (np.mgrid[:SIZE, :SIZE] + 0.5) / SIZE
    return np.float32(np.clip((radius - np.hypot(columns - x, rows - y)) / (radius - radius * hardness), 0, 1))


def two_painters(folder: Path) -> dict[str, np.ndarray]:
    """Write float32 files of a random model with both painters; two pictures, and what `core` makes of them."""
    keras.utils.set_random_seed(3)
    model = Lomit(LomitConfig.create(**PAINTERS))
    model.build()
    g = model.inference_generator
    for layer in (g.style_encoder.code, g.curve_head.maps.conv):
        layer.kernel.assign(layer.kernel * 5)  # so that styles show
    module = graphs.MobileModule(model)
    for part in artefacts.PARTS:
        (folder / f"painters_{part}.tflite").write_bytes(tflite.convert(module, part))
    pair = draw(range(20_000_000, 20_000_002), size=SIZE).images
    image, exemplar = (np.asarray(preprocess.to_model_range(x[None])) for x in pair)
    edits = np.stack([drawn(), np.full((SIZE, SIZE), -1, np.float32)], axis=-1)[None]
    made = core.apply_styles(g, image, core.encode_exemplar(g, exemplar)[0], edits=edits)
    masks = np.asarray(made.masks)[0, ..., :-1]
    if np.any((masks > 0) & (masks < paste_back.MASK_FLOOR)):
        raise RuntimeError("STROKE leaves masks below the floor, where pasting back changes nothing; choose another")
    blue = Translator(model, log_notes=False).encode_colour(SET[0])
    transfer = np.float32([[1, 0]])  # as Translator.check leaves it: there is nothing of the smile
    coloured = core.apply_styles(g, image, blue.styles[None], transfer, edits=edits)
    return {
        "painters_input.png": pair[0], "painters_exemplar.png": pair[1],
        "painters_made.png": preprocess.from_model_range(np.asarray(made.image))[0].numpy(),
        "painters_colour.png": preprocess.from_model_range(np.asarray(coloured.image))[0].numpy(),
    }  # fmt: skip


def moments() -> np.ndarray:
    """Rows of red, green, blue and the moments: the swatches, black and white."""
    given = [*(colours.parse(colour) for colour in portraits.SWATCHES.values()), (0, 0, 0), (255, 255, 255)]
    return np.array([[*colour, *colours.moments(colour)] for colour in given])
