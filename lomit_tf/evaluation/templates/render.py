"""The HTML pages of an evaluation and of a user study, as Jinja2 templates beside this module."""

from __future__ import annotations

import base64
from typing import Any

import jinja2


def render(name: str, **values: Any) -> str:
    """A template filled with values; texts are escaped, and a name that the template lacks a value for is an error."""
    return _environment().get_template(name).render(**values)


def data_uri(data: bytes, kind: str) -> str:
    """A picture of that kind (png, svg+xml) as a data URI."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("lomit_tf.evaluation.templates", "."), autoescape=True,
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
