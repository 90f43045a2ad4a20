"""The settings of a run by section and as a whole, as text, and those of older versions; the registry of methods.

`lomit_tf.config` is the address of a run's settings for everything else.
"""
