"""What exported files are called. Imports nothing heavy."""

from __future__ import annotations

FORMATS = ("savedmodel", "tflite", "onnx")
PARTS = ("mask_net", "generator")
# --quantize names -> what the files are called; float32 has the plain name.
VARIANTS = {"none": "float32", "float16": "float16", "dynamic": "dynamic", "int8": "int8"}


def file_name(part: str, variant: str) -> str:
    """mask_net.tflite, mask_net_int8.tflite, ..."""
    return f"{part}.tflite" if variant == "float32" else f"{part}_{variant}.tflite"
