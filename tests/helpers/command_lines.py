"""Command lines of the training, parsed or refused, for the tests of flags and flagfiles."""

from __future__ import annotations

import pytest

from lomit_tf.commands import flags
from lomit_tf.config import ConfigError, LomitConfig


def refused(*argv: str) -> str:
    """The message with which a command line is refused."""
    with pytest.raises(ConfigError) as error:
        flags.parse(argv)
    return str(error.value)


def config(*argv: str) -> LomitConfig:
    """The configuration that a command line gives."""
    return flags.parse(argv).config
