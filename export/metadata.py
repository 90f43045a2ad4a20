"""TFLite metadata in the standard schema (TensorFlow Lite Support's metadata_schema.fbs, version 1.5).

Written with plain flatbuffers: tflite-support itself does not install beside TensorFlow 2.21 (docs/dependencies.md).
Slot and enum numbers below are the schema's; tests read them back with tflite-support's own reader where it is there.
"""

from __future__ import annotations

import dataclasses
import io
import zipfile
from collections.abc import Sequence

import flatbuffers
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from export.compact import pack

BUFFER_NAME = "TFLITE_METADATA"
LABELS_FILE = "labels.txt"
AUTHOR = "The lomit_tf authors"
LICENSE = "Apache-2.0 (code); weights: see the model card"
_IDENTIFIER = b"M001"
_MIN_PARSER = "1.0.0"
_IMAGE_PROPERTIES, _FEATURE_PROPERTIES, _NORMALISATION, _RGB, _AXIS_LABELS = 2, 1, 1, 1, 2


@dataclasses.dataclass(frozen=True)
class TensorInfo:
    """What the metadata says of one input or output; images are RGB in -1..1, anything else is a feature."""

    name: str
    description: str
    image_size: int = 0  # of an image; 0 for anything else
    labels: bool = False  # the last axis has the labels of the associated file
    limits: tuple[float, float] = (0.0, 1.0)  # of a feature's values


@dataclasses.dataclass(frozen=True)
class ModelInfo:
    """What the metadata says of a file."""

    name: str
    description: str
    version: str
    author: str
    license: str
    inputs: Sequence[TensorInfo]
    outputs: Sequence[TensorInfo]


class _Writer:
    """Tables of the schema into one flatbuffer; every method gives an offset."""

    def __init__(self) -> None:
        self.builder = flatbuffers.Builder(1024)

    def table(self, slots: int, offsets: dict[int, int], bytes_: dict[int, int] | None = None) -> int:
        """A table with `slots` fields: those in `offsets` are references, those in `bytes_` single bytes."""
        self.builder.StartObject(slots)
        for slot, offset in offsets.items():
            self.builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
        for slot, value in (bytes_ or {}).items():
            self.builder.PrependUint8Slot(slot, value, 0)
        return self.builder.EndObject()

    def text(self, value: str) -> int:
        return self.builder.CreateString(value)

    def tables(self, offsets: Sequence[int]) -> int:
        self.builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return self.builder.EndVector()

    def floats(self, values: Sequence[float]) -> int:
        self.builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self.builder.PrependFloat32(value)
        return self.builder.EndVector()

    def labels_file(self) -> int:
        """AssociatedFile: name, description, type."""
        name, description = self.text(LABELS_FILE), self.text("the groups, one a line, in the order of the channels")
        return self.table(5, {0: name, 1: description}, {2: _AXIS_LABELS})

    def tensor(self, info: TensorInfo) -> int:
        """TensorMetadata: name, description, content, process_units, stats, associated_files."""
        image = info.image_size > 0
        properties = self._image_properties(info.image_size) if image else self.table(0, {})
        kind = _IMAGE_PROPERTIES if image else _FEATURE_PROPERTIES
        fields = {0: self.text(info.name), 1: self.text(info.description), 3: self.table(3, {1: properties}, {0: kind})}
        if image:  # pixels 0..255 become (p - 127.5) / 127.5
            options = self.table(2, {0: self.floats([127.5]), 1: self.floats([127.5])})
            fields[4] = self.tables([self.table(2, {1: options}, {0: _NORMALISATION})])
        low, high = (-1.0, 1.0) if image else info.limits
        fields[5] = self.table(2, {0: self.floats([high]), 1: self.floats([low])})
        if info.labels:
            fields[6] = self.tables([self.labels_file()])
        return self.table(7, fields)

    def _image_properties(self, size: int) -> int:
        self.builder.StartObject(2)
        self.builder.PrependUint32Slot(0, size, 0)
        self.builder.PrependUint32Slot(1, size, 0)
        size_offset = self.builder.EndObject()
        return self.table(2, {1: size_offset}, {0: _RGB})

    def model(self, info: ModelInfo) -> bytes:
        """ModelMetadata with one SubGraphMetadata."""
        inputs = self.tables([self.tensor(one) for one in info.inputs])
        outputs = self.tables([self.tensor(one) for one in info.outputs])
        graph = self.tables([self.table(10, {2: inputs, 3: outputs})])
        fields = {0: info.name, 1: info.description, 2: info.version, 4: info.author, 5: info.license, 7: _MIN_PARSER}
        root = self.table(8, {slot: self.text(text) for slot, text in fields.items()} | {3: graph})
        self.builder.Finish(root, _IDENTIFIER)
        return bytes(self.builder.Output())


def metadata_bytes(info: ModelInfo) -> bytes:
    """The metadata's flatbuffer, file identifier M001."""
    return _Writer().model(info)


def add_metadata(model: bytes, info: ModelInfo, labels: Sequence[str]) -> bytes:
    """A TFLite model with metadata inside and its label file appended as a zip, as the standard has it.

    The descriptions are put into the order that the file's own inputs and outputs have.

    Raises KeyError for an input or output that `info` does not describe.
    """
    tree = flatbuffer_utils.read_model_from_bytearray(bytearray(model))
    graph = tree.subgraphs[0]

    def ordered(places: Sequence[int], infos: Sequence[TensorInfo]) -> list[TensorInfo]:
        by_name = {one.name: one for one in infos}
        return [by_name[graph.tensors[i].name.decode()] for i in places]

    info = dataclasses.replace(
        info, inputs=ordered(graph.inputs, info.inputs), outputs=ordered(graph.outputs, info.outputs)
    )
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = list(metadata_bytes(info))
    tree.buffers.append(buffer)
    entry.name, entry.buffer = BUFFER_NAME, len(tree.buffers) - 1
    tree.metadata = [*(tree.metadata or []), entry]
    tree.description = info.description
    packed = io.BytesIO(pack(tree))
    with zipfile.ZipFile(packed, "a") as archive:  # appended: a TFLite reader sees the flatbuffer in front
        archive.writestr(zipfile.ZipInfo(LABELS_FILE), "".join(f"{label}\n" for label in labels))
    return packed.getvalue()


def infos(part: str, variant: str, size: int, groups: int, version: str, parts: Sequence[str] = ()) -> ModelInfo:
    """The metadata of mask_net or generator of a model of this image size and number of groups.

    `parts` are the generator's outputs beside the translation, of `Generator.parts`.
    """
    masks = "share of each group at each pixel, 0..1; what is left is the background"
    tensors = {
        "image": TensorInfo("image", "the picture to translate", size),
        "exemplar": TensorInfo("exemplar", "the picture that gives the style", size),
        "image_masks": TensorInfo("image_masks", f"where to translate: {masks}", labels=True),
        "exemplar_masks": TensorInfo("exemplar_masks", f"what to take: {masks}", labels=True),
        "transfer": TensorInfo("transfer", "1 for each group to take from the exemplar, else 0", labels=True),
        "colours": TensorInfo(
            "colours", "per colour group eight moments of a colour, or zeros for the exemplar's", limits=(-1.0, 1.0)
        ),
        "masks": TensorInfo("masks", masks, labels=True),
        "translation": TensorInfo("translation", "the picture in the exemplar's style", size),
        "raw": TensorInfo("raw", "what the generator painted, before the composite with the masks", size),
        "displacement": TensorInfo(
            "displacement", "how many pixels to the right and downwards the colours of each pixel come from",
            limits=(-64.0, 64.0),
        ),
        "curves": TensorInfo(
            "curves", "colour curves: a change of red, green and blue for each of 8 luminances", limits=(-2.0, 2.0)
        ),
    }
    if part == "mask_net":
        names, made, what = ["image"], ["masks"], "finds the regions whose style LOMIT transfers"
    else:
        names = ["image", "exemplar", "image_masks", "exemplar_masks", *(["transfer"] if groups > 1 else [])]
        names += ["colours"] if "curves" in parts else []
        made, what = ["translation", *parts], "translates a picture in the style of an exemplar, within masks"
    inputs, outputs = [tensors[name] for name in names], [tensors[name] for name in made]
    return ModelInfo(f"LOMIT {part}", f"{what} ({variant})", version, AUTHOR, LICENSE, inputs, outputs)
