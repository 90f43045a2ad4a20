"""LOMIT's losses (spec, section 3): pure functions of tensors, keras.ops only, one formula each."""
