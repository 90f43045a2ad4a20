"""Compare exported artefacts with the Keras model: `python -m export.parity DIR`.

Writes DIR/report.md, report.json and parity.png. Exit codes: 0 all tolerances hold; 1 one does not (with --strict also
the thresholds of size and speed); 2 a folder, model or data that cannot be used.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from export import bundle, compare
from lomit_tf.commands import Command, Failure, FlagSet, unusable
from lomit_tf.commands.models import check_model
from lomit_tf.config import NEEDED, ConfigError, option
from lomit_tf.evaluation.metrics.attribute_classifier_config import classifier_folder

INTRO = """\
Compare exported artefacts with the Keras model: what they compute, how large they are and how fast.

  python -m export.parity exported
      writes report.md, report.json and parity.png into the folder that `python -m export --out=exported` wrote"""
PARTS = ("raw", "displacement", "curves")  # outputs of the generator beside the translation
ACCURATE = 0.75  # a classifier worse than this on real images judges nothing


@dataclasses.dataclass(frozen=True)
class ParityFlags:
    """What a command line asks for; the folder may be given without its flag."""

    dir: str = option(NEEDED, "what `python -m export --out=DIR` wrote; --dir= may be left out", form="DIR")
    model: str = option("", "the Keras model (default: the one that DIR was exported from)", form="M")
    data_dir: str = option("", "the model's data set, for real images (default: drawn faces)", form="DIR")
    classifier: str = option(
        "",
        "folder of lomit_tf.train_classifier, or a shipped one's name, for attribute success "
        "(default: the model's own)",
        form="DIR",
    )
    samples: int = option(16, "pairs of images to compare on", least=1)
    no_latency: bool = option(False, "leave out latency and memory")
    strict: bool = option(False, "fail on the thresholds of size and speed too")


FLAGS = FlagSet(ParityFlags, INTRO, words="dir")


def run(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code (see the module)."""
    return Command(
        "export.parity", FLAGS.help_text, FLAGS.parse, _compare, "the report was not written", check=_check
    ).run(argv)


def _check(flags: ParityFlags) -> None:
    recorded = bundle.read_manifest(Path(flags.dir))["model"]
    check_model("model", flags.model or recorded)
    if flags.classifier:
        classifier_folder(flags.classifier)


def _compare(flags: ParityFlags) -> None:
    from export.models import load_model
    from lomit_tf.data.image_set import DataError
    from lomit_tf.data.preprocess import CorruptImageError

    folder = Path(flags.dir)
    with unusable(DataError, CorruptImageError):
        manifest = bundle.read_manifest(folder)
        model = load_model(flags.model or manifest["model"], manifest["image_size"])
        report = examine(folder, model, flags.samples, flags.data_dir, flags.classifier, latency=not flags.no_latency)
    write_report(folder, report)
    print((folder / "report.md").read_text(encoding="utf-8"))
    missed = [
        threshold["text"]
        for threshold in report["acceptance"]
        if not threshold["holds"] and (threshold["fatal"] or flags.strict)
    ]
    if missed:
        raise Failure("; ".join(missed))


def examine(
    folder: Path, model: Any, samples: int, data_dir: str = "", classifier: str = "", *, latency: bool = True
) -> dict[str, Any]:
    """Run every artefact of a folder and the model on the same pairs.

    Args:
        folder: of `python -m export`.
        model: the Lomit that it was exported from.
        samples: pairs of images.
        data_dir: of the model's data set; drawn faces without it.
        classifier: folder of lomit_tf.train_classifier; the model's own D_cls judges without it, where it came along.
        latency: also time each artefact and take its memory, each in a process of its own.

    Returns:
        rows (the Keras model first, then one for each variant), acceptance, and the pictures that the grid shows.
    """
    from export import pictures, runtimes

    pairs = pictures.of_data(model.config.data, "test", samples, data_dir)
    keras_feed = _feed(model, pairs)
    expected = _translate(_Keras(model), _Keras(model), keras_feed)
    unowned = np.asarray((expected["image_masks"] < 0.1).all(axis=-1))
    background = unowned if pairs.background is None else pairs.background
    classified_by = "the model's own D_cls"
    if classifier:
        classified_by = (
            classifier if pairs.labels is not None else f"not classified with {classifier}: these pairs have no labels"
        )
    ask = independent(classifier, model) if classifier and pairs.labels is not None else _own_classifier(model, pairs)
    if ask is None and not classifier:
        classified_by = "nobody: the model's own D_cls is missing or too often wrong; give --classifier"
    rows = [{"name": "Keras", "variant": "float32", **_content(ask, pairs, expected, background)}]
    shown = {"input": pairs.image, "exemplar": pairs.exemplar, "Keras": expected["translation"]}
    for one in bundle.variants(folder):
        parts = {part: runtimes.load(path, part) for part, path in one.paths.items()}
        got = _translate(parts["mask_net"], parts["generator"], keras_feed)
        row: dict[str, Any] = {
            "name": one.name, "variant": one.variant, "format": one.format, "bytes": one.bytes,
            "part_bytes": {part: path.stat().st_size for part, path in one.paths.items() if path.is_file()},
            "mask": compare.errors(got["image_masks"], expected["image_masks"]),
            "image": compare.errors(got["translation"], expected["translation"]),
            "parts": {name: compare.errors(got[name], expected[name]) for name in got if name in PARTS},
            "iou": compare.iou(got["image_masks"], expected["image_masks"]),
            **_content(ask, pairs, got, background),
        }  # fmt: skip
        if "displacement" in expected:
            row["displaced"] = compare.displacement_error(got["displacement"], expected["displacement"])
        row["operations"] = _operations(one, parts)
        if latency:
            row["latency"], row["peak_mb"] = _latency(
                one, keras_feed | {k: got[k] for k in ("image_masks", "exemplar_masks")}
            )
        rows.append(row)
        shown[one.name] = got["translation"]
    float32 = next((row for row in rows if row["name"] == "TFLite float32"), None)
    made = [threshold for row in rows[1:] for threshold in compare.acceptance(row, float32)]
    return {
        "rows": rows, "samples": samples_of(pairs), "image_size": model.config.data.image_size,
        "data": f"{model.config.data.dataset}, {data_dir}" if data_dir else "drawn faces",
        "classifier": classified_by,
        "acceptance": [
            {"text": str(t), "holds": bool(t.holds), "fatal": t.fatal, "value": t.value} for t in made
        ],
        "shown": shown,
    }  # fmt: skip


def samples_of(pairs: Any) -> int:
    """Number of pairs: there may be fewer than were asked for."""
    return len(pairs.image)


class _Keras:
    """The model itself, as a runtime."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def run(self, feed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        from export import graphs

        if "exemplar" not in feed:
            return {"masks": np.asarray(graphs.mask_net(self.model, feed["image"]))}
        names = graphs.generator_inputs(self.model)
        made = graphs.generator(self.model, **{name: feed[name] for name in names})
        return {name: np.asarray(value) for name, value in made.items()}


def _feed(model: Any, pairs: Any) -> dict[str, np.ndarray]:
    from export import graphs

    feed = {"image": pairs.image.astype(np.float32), "exemplar": pairs.exemplar.astype(np.float32)}
    return feed | graphs.choices(model, len(pairs.image))


def _translate(mask_net: Any, generator: Any, feed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Both files together, as an application uses them: masks of both images, then the translation with them."""
    masks = {f"{name}_masks": mask_net.run({"image": feed[name]})["masks"] for name in ("image", "exemplar")}
    return masks | generator.run(feed | masks)


def _own_classifier(model: Any, pairs: Any) -> Any:
    """The model's own attribute classifier, or None where there is none, or it is not good on the real images."""
    if pairs.labels is None:
        return None

    def logits(images: np.ndarray) -> np.ndarray:
        return np.asarray(
            model.critic(images, np.zeros((len(images), len(model.config.data.label_names)), np.float32))[1]
        )

    everything = np.ones(pairs.labels.shape, bool)
    return logits if compare.agreement(logits(pairs.image), pairs.labels, everything) >= ACCURATE else None


def independent(folder: str, model: Any) -> Any:
    """An independent classifier in the model's labels: images (N, S, S, 3) -> (N, K), positive where it sees the label.

    Raises ConfigError: there is none in the folder, or it does not know one of the labels.
    """
    from lomit_tf.evaluation.metrics.attribute_classifier import AttributeClassifier

    classifier = AttributeClassifier.load(folder)
    labels = model.config.data.label_names
    missing = [name for name in labels if name not in classifier.label_names]
    if missing:
        raise ConfigError(f"--classifier={folder} does not know {', '.join(missing)}, which the model translates")
    columns = [classifier.label_names.index(name) for name in labels]
    return lambda images: classifier.predict(images)[:, columns] - 0.5


def _content(classifier: Any, pairs: Any, got: dict[str, np.ndarray], background: np.ndarray) -> dict[str, Any]:
    """What the evaluation asks of translations: the exemplar's attributes are there, the background is as it was."""
    success = None
    if classifier is not None:
        asked = pairs.labels != pairs.exemplar_labels
        success = compare.agreement(classifier(got["translation"]), pairs.exemplar_labels, asked)
    return {"success": success, "background": compare.background_error(got["translation"], pairs.image, background)}


def _operations(one: Any, parts: dict[str, Any]) -> dict[str, Any]:
    """Per part: number of ops, of kinds, and of the XNNPACK delegate's partitions; what TFLite and ONNX can say."""
    from export import runtimes

    found = {}
    for part, runtime in parts.items():
        if one.format == "tflite":
            counts, partitions = runtime.operations()
            found[part] = {"ops": sum(counts.values()), "partitions": partitions, "kinds": counts}
        elif one.format == "onnx":
            counts = runtimes.onnx_operations(one.paths[part])
            found[part] = {"ops": sum(counts.values()), "kinds": counts}
    return found


def _latency(one: Any, feed: dict[str, np.ndarray]) -> tuple[dict[str, Any], float]:
    """Of one translation (masks of two images, then the generator), on 1 and 2 threads; and the peak memory in MB."""
    from export import measure

    times: dict[str, Any] = {}
    peaks = []
    inputs = {"mask_net": ("image",), "generator": tuple(feed)}
    with tempfile.TemporaryDirectory() as folder:
        for threads in (1, 2):
            total = {"wall_ms": 0.0, "cpu_ms": 0.0}
            for part, uses in (("mask_net", 2), ("generator", 1)):
                file = Path(folder) / f"{part}.npz"
                one_pair: dict[str, Any] = {name: feed[name][:1] for name in inputs[part]}
                np.savez(file, **one_pair)
                found = measure.measure_apart(one.paths[part], part, file, threads)
                total |= {key: total[key] + uses * found[key] for key in ("wall_ms", "cpu_ms")}
                total[f"{part}_ms"] = found["wall_ms"]
                peaks.append(found["peak_mb"])
            times[str(threads)] = total
    return times, max(peaks)


def write_report(folder: Path, report: dict[str, Any]) -> None:
    """Write report.md, report.json and parity.png."""
    from export.tables import markdown, picture

    picture(report["shown"], folder / "parity.png")
    numbers = {name: value for name, value in report.items() if name != "shown"}
    (folder / "report.json").write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    (folder / "report.md").write_text(markdown(report), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(run())
