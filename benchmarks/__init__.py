"""Benchmarks of lomit_tf: `python -m benchmarks --help`."""
