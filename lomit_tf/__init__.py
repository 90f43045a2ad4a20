"""LOMIT: local-mask-based, exemplar-guided image-to-image translation (arXiv 1906.03598)."""
