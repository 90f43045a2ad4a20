"""A configuration as text: values as a flagfile writes them, what a setting's help says, and the flagfile of a run.

Reads no flags, so that training may write down what it was given.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from typing import Any

from lomit_tf.settings.model import PRESETS
from lomit_tf.settings.options import ConfigError
from lomit_tf.settings.run import SECTIONS, LomitConfig


def as_text(value: Any) -> str:
    """A value as it stands in a flagfile; `flagfiles.parse_value` reads it back exactly."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (tuple, list)):
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(value)
        return line.getvalue()
    return str(value)


def setting_help(field: dataclasses.Field[Any]) -> str:
    """A setting's help: what it is, its default, and the presets' values where they differ."""
    presets: dict[Any, list[str]] = {}
    for preset, sizes in PRESETS.items():
        if sizes.get(field.name, field.default) != field.default:
            presets.setdefault(sizes[field.name], []).append(preset)
    others = "".join(f"; {', '.join(names)}: {as_text(value)}" for value, names in presets.items())
    return f"{field.metadata['help']} (default: {as_text(field.default) or 'empty'}{others})"


def first_line(kind: type) -> str:
    """The first line of a section's docstring, without its full stop."""
    return (kind.__doc__ or "").strip().splitlines()[0].rstrip(".")


def effective_flagfile(config: LomitConfig) -> str:
    """The text of a flagfile with all fields, grouped and commented, that parses to an equal configuration.

    Raises ConfigError for a value that no line of a flagfile can hold (line breaks, spaces or quotation marks around
    it).
    """
    lines = [
        "# Every setting of a run. To go on with it, or to repeat it in another folder:",
        "#   python -m lomit_tf.train --flagfile=THIS_FILE",
        "#   python -m lomit_tf.train --flagfile=THIS_FILE --workdir=runs/again",
    ]
    for section, kind in SECTIONS.items():
        lines += ["", "", f"# {section.upper()}: {first_line(kind)}"]
        for field in dataclasses.fields(kind):
            value = getattr(getattr(config, section), field.name)
            if not _fits_a_line(value):
                raise ConfigError(f"--{field.name}={value!r} cannot be written into a line of a flagfile")
            text = as_text(float(value) if isinstance(field.default, float) else value)
            lines += ["", f"# {setting_help(field)}", f"--{field.name}={text}"]
    return "\n".join(lines) + "\n"


def _fits_a_line(value: Any) -> bool:
    """Whether a flagfile's line gives the value back: it strips spaces and refuses quotation marks around a text."""
    if isinstance(value, tuple):
        return all(one and one == one.strip() and not re.search(r"[\r\n\0]", one) for one in value)
    if isinstance(value, str):
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
        return value == value.strip() and not quoted and not re.search(r"[\r\n\0]", value)
    return True
