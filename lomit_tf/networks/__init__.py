"""LOMIT's networks (docs/method.md, 2, 3, 7): keras.ops and keras.layers only, so that any Keras backend runs them."""
