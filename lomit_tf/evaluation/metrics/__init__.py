"""What is measured: cases, methods, metrics, and the networks that they use."""
