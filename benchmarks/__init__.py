"""Benchmarks of lomit_tf: `python -m benchmarks --help`."""

from lomit_tf.runtime.onednn import prefer_onednn

prefer_onednn()  # as every command does, and before TensorFlow is imported
