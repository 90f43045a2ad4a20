"""Training: the loop, strategies, callbacks, checkpoints, starting from other weights, teaching and distilling."""
