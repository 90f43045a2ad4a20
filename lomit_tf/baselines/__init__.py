"""The systems that LOMIT is compared with, all trained by the same loop: docs/compared_systems.md."""
