"""What computes the networks for photographs: TensorFlow or LiteRT, and what both give."""
