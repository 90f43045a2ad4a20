"""Whether runs can be compared, by their configurations alone. Nothing here imports TensorFlow."""

from __future__ import annotations

from collections.abc import Container, Mapping
from pathlib import Path

from lomit_tf.config import ConfigError, LomitConfig

# What makes two runs' images or labels different; where they lie and how pairs are drawn does not.
DATA = ("image_size", "dataset", "attributes", "labelled_only", "domains", "groups", "crop")


def check_runs(configs: Mapping[str, LomitConfig], failed: Container[str] = ()) -> dict[str, str]:
    """Run -> the name of its column. Raises ConfigError as `check_alike`, and for a name that is in `failed` too."""
    check_alike(configs)
    names = names_of(configs)
    for name in names.values():
        if name in failed:
            raise ConfigError(f"--failed={name}: there is a run of that name among --runs")
    return names


def check_alike(configs: Mapping[str, LomitConfig]) -> None:
    """Raise ConfigError, naming the difference, for runs whose sizes or data differ."""
    (first, reference), *others = configs.items()
    for name, config in others:
        for setting in DATA:
            was, now = (getattr(c.data, setting, None) for c in (reference, config))
            if was != now:
                raise ConfigError(
                    f"--runs: only runs of one size and the same data can be compared: --{setting} is {was!r} in "
                    f"{first} and {now!r} in {name}"
                )


def names_of(configs: Mapping[str, LomitConfig]) -> dict[str, str]:
    """Run -> the name of its column: its method, and its folder's name where two runs are of one method."""
    methods = [config.model.method for config in configs.values()]
    names: dict[str, str] = {}
    for run, method in zip(configs, methods, strict=True):
        name = method if methods.count(method) == 1 else f"{method}-{Path(run).name.replace(' ', '-')}"
        names[run] = name if name not in names.values() else f"{name}-{len(names) + 1}"
    return names
