"""The settings of a run by section, and those of older versions. `lomit_tf.config` puts the sections together."""
