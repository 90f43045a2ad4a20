"""LOMIT's networks (spec, section 2): keras.ops and keras.layers only, so that any Keras backend can run them."""
