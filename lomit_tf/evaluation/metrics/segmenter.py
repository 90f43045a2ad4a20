"""A supervised segmenter as a reference for masks: what a network reaches that was shown true masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf

from lomit_tf.config import ConfigError


class Segmenter:
    """A TFLite segmenter with one image input and two-class (or one-channel) output, as MediaPipe's hair segmenter.

    Its input may have a fourth channel for the previous frame's mask, which is left 0. Values are 0..1.
    """

    name = "segmenter"

    def __init__(self, interpreter: object, path: str) -> None:
        self._interpreter, self.path = interpreter, path

    def masks(self, images: np.ndarray) -> np.ndarray:
        """Images (N, H, W, 3) in [-1, 1] -> probability of the segmented class (N, H, W) in 0..1."""
        run = self._interpreter
        given, made = run.get_input_details()[0], run.get_output_details()[0]  # type: ignore[attr-defined]
        height, width, channels = given["shape"][1:]
        found = []
        for image in images:
            picture = np.asarray(tf.image.resize((image + 1) / 2, (height, width), method="bilinear"))
            picture = np.pad(picture, ((0, 0), (0, 0), (0, channels - 3))).astype(np.float32)
            run.set_tensor(given["index"], picture[None])  # type: ignore[attr-defined]
            run.invoke()  # type: ignore[attr-defined]
            logits = run.get_tensor(made["index"])[0]  # type: ignore[attr-defined]
            part = tf.nn.softmax(logits, axis=-1)[..., -1:] if logits.shape[-1] > 1 else tf.constant(logits)
            found.append(np.asarray(tf.image.resize(part, image.shape[:2], method="bilinear", antialias=True))[..., 0])
        return np.clip(np.stack(found), 0, 1)


def open_segmenter(path: str) -> Segmenter:
    """The segmenter in a .tflite file; ConfigError where there is none or nothing to run it with."""
    if not Path(path).expanduser().is_file():
        raise ConfigError(f"--segmenter={path}: no such file")
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise ConfigError("--segmenter needs ai-edge-litert: pip install ai-edge-litert") from error
    try:
        interpreter = Interpreter(str(Path(path).expanduser()))
    except ValueError as error:
        raise ConfigError(f"--segmenter={path}: not a TFLite model ({error})") from error
    interpreter.allocate_tensors()
    shapes = [len(d["shape"]) for d in (*interpreter.get_input_details(), *interpreter.get_output_details())]
    if shapes != [4, 4] or interpreter.get_input_details()[0]["shape"][-1] not in (3, 4):
        raise ConfigError(f"--segmenter={path}: expected one image input and one map as output; received {shapes}")
    return Segmenter(interpreter, path)
