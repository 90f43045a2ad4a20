"""Measuring translations: true masks, background, attributes, colour, realism, reconstruction; reports, studies."""
