"""Photographs around the model: reading and writing any image, framing, masks to edit, the way back to full size."""
