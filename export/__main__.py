"""Export a trained model: `python -m export --model=NAME_OR_CHECKPOINT --out=DIR`.

Exit codes: 0 done; 1 an artefact does not compute what the model computes (kept aside, DIR is not made); 2 flags,
model or data that cannot be used; 130 interrupted, with nothing written.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from lomit_tf.backend import check_backend
from lomit_tf.config import ConfigError

PROGRAM = "export"


def parser() -> argparse.ArgumentParser:
    """The flags."""
    made = argparse.ArgumentParser(
        prog="python -m export",
        description="Write a trained model as SavedModel, TFLite and ONNX, and compare each with the Keras model.",
        epilog="example: python -m export --model=runs/drawn_faces --out=exported",
        allow_abbrev=False,
    )
    made.add_argument("--model", required=True, help="a model's name, a --workdir of lomit_tf.train, or a checkpoint")
    made.add_argument("--out", required=True, help="folder to write; must be empty or not be there")
    made.add_argument("--formats", default="savedmodel,tflite,onnx", help="default: %(default)s")
    made.add_argument("--quantize", default="none,float16,dynamic,int8", help="TFLite variants; default: %(default)s")
    made.add_argument("--calibration", default="", help="folder of images for int8 (default: drawn faces)")
    made.add_argument("--data_dir", default="", help="the model's data set, to calibrate and compare with real images")
    made.add_argument("--calibration_images", type=int, default=64, help="at most so many; default: %(default)s")
    made.add_argument("--image_size", type=int, default=0, help="not the size of the training; a multiple of 64")
    made.add_argument("--samples", type=int, default=16, help="pairs of images to compare on; default: %(default)s")
    made.add_argument("--judge", default="", help="folder of lomit_tf.train_judge, for attribute success in the report")
    made.add_argument("--no_latency", action="store_true", help="leave latency and memory out of the report")
    return made


def run(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    given = parser().parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        check_backend()
        from export import exporting
    except ConfigError as error:
        return _failed(str(error), 2)
    except ModuleNotFoundError as error:
        return _failed(f'{error.name} is not installed; pip install -c constraints.txt -e ".[export]"', 2)
    from lomit_tf.data.image_set import DataError
    from lomit_tf.data.preprocess import CorruptImageError

    options = exporting.Options(
        given.model, Path(given.out).expanduser(), _names(given.formats), _names(given.quantize), given.calibration,
        given.data_dir, given.image_size, given.calibration_images, given.samples, not given.no_latency,
        given.judge,
    )  # fmt: skip
    exporting.quieten()
    try:
        report = exporting.export(options, lambda line: print(line, flush=True))
    except (ConfigError, DataError, CorruptImageError) as error:
        return _failed(str(error), 2)
    except exporting.ParityError as error:
        return _failed(str(error), 1)
    except OSError as error:
        return _failed(f"--out={given.out}: {error}", 2)
    except KeyboardInterrupt:
        return _failed(f"stopped; {given.out} was not made", 130)
    for bar in report["bars"]:
        print(bar["text"])
    print(f"written: {options.out}; the report is {options.out / 'report.md'}")
    return 0


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _failed(message: str, code: int) -> int:
    print(f"{PROGRAM}: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(run())
