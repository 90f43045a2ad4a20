"""The systems that LOMIT is compared with, each in a room of its own, trained in the same frame: docs/methods.md."""
