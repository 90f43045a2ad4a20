"""Exported forms of a trained model: SavedModel for servers, TFLite for telephones, ONNX for the rest.

`python -m export` writes them, `python -m export.parity DIR` compares what they compute with the Keras model.
"""
