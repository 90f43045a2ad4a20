"""The pages of an evaluation and of a user study, as Jinja2 templates beside this module."""

from __future__ import annotations

import base64
from typing import Any


def render(name: str, **values: Any) -> str:
    """A template filled with values: texts are escaped in HTML, and a name without a value is an error."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("lomit_tf.evaluation.templates", "."), autoescape=jinja2.select_autoescape(),
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template(name).render(**values)


def data_uri(data: bytes, kind: str) -> str:
    """A picture of that kind (png, svg+xml) as a data URI."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
