"""Export a trained model: `python -m export --model=NAME_OR_CHECKPOINT --out=DIR`.

Exit codes: 0 done; 1 an artefact does not compute what the model computes (kept aside, DIR is not made); 2 flags,
model or data that cannot be used; 130 or 143 interrupted, with nothing written.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from export.options import Options
from lomit_tf.commands import Command, Failure, FlagSet, report, require_extra, unusable
from lomit_tf.commands.models import check_model
from lomit_tf.config import NEEDED, ConfigError, LomitConfig, option
from lomit_tf.evaluation.metrics.attribute_classifier_config import classifier_folder
from lomit_tf.runtime.places import check_folder

INTRO = """\
Write a trained model as SavedModel, TFLite and ONNX, and compare each with the Keras model.

  python -m export --model=runs/drawn_faces --out=exported"""


@dataclasses.dataclass(frozen=True)
class ExportFlags:
    """What a command line asks for."""

    model: str = option(NEEDED, "a model's name, a --workdir of lomit_tf.train, or a checkpoint", form="M")
    out: str = option(NEEDED, "folder to write; must be empty or not be there", form="DIR")
    formats: tuple[str, ...] = option(("savedmodel", "tflite", "onnx"), "what to write")
    quantize: tuple[str, ...] = option(("none", "float16", "dynamic", "int8"), "TFLite variants")
    calibration: str = option("", "folder of images for int8 (default: drawn faces)", form="DIR")
    data_dir: str = option(
        "", "the model's data set, to calibrate and compare with real images (default: drawn faces)", form="DIR"
    )
    calibration_images: int = option(64, "at most so many images for int8", least=1)
    image_size: int = option(0, "not the size of the training; a multiple of 64 (default: the model's own)", least=0)
    samples: int = option(16, "pairs of images to compare on", least=1)
    classifier: str = option(
        "", "folder of lomit_tf.train_classifier, or a shipped one's name, for attribute success in the report "
        "(default: the model's own classifier)", form="DIR",
    )  # fmt: skip
    no_latency: bool = option(False, "leave latency and memory out of the report")


FLAGS = FlagSet(ExportFlags, INTRO)


def run(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code (see the module)."""
    return Command("export", FLAGS.help_text, FLAGS.parse, _export, "the folder was not made", check=_check).run(argv)


def _options(flags: ExportFlags) -> Options:
    return Options(
        flags.model, Path(flags.out).expanduser(), flags.formats, flags.quantize, flags.calibration,
        flags.data_dir, flags.image_size, flags.calibration_images, flags.samples, not flags.no_latency,
        flags.classifier,
    )  # fmt: skip


def _check(flags: ExportFlags) -> None:
    options = _options(flags)
    options.check()
    check_folder("out", options.out)
    config = check_model("model", flags.model)
    options.check_method(config.model.method)
    if flags.image_size:
        LomitConfig.from_flat(config.flat() | {"image_size": flags.image_size})
    if flags.classifier:
        classifier_folder(flags.classifier)
    require_extra("export", "ai_edge_litert", "ai_edge_quantizer", "flatbuffers", "onnx", "onnxruntime", "tf2onnx")


def _export(flags: ExportFlags) -> None:
    from export import exporting
    from lomit_tf.data.image_set import DataError
    from lomit_tf.data.preprocess import CorruptImageError

    options = _options(flags)
    exporting.quieten()
    try:
        with unusable(DataError, CorruptImageError):
            made = exporting.export(options, lambda line: print(line, flush=True))
    except exporting.ParityError as error:
        raise Failure(str(error)) from error
    except OSError as error:
        raise ConfigError(f"--out={flags.out}: {error}") from error
    for threshold in made["acceptance"]:
        print(threshold["text"])
    report("written:", {"folder": options.out, "report": options.out / "report.md"})


if __name__ == "__main__":
    sys.exit(run())
