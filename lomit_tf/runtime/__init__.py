"""The process that everything runs in: its allocator, forks, Keras' settings, quiet imports, whole files."""
