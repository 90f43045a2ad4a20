"""LOMIT's losses (docs/method.md, 5 and 6): pure functions of tensors, keras.ops only, one formula each."""
