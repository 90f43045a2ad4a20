"""Settings of runs of older versions -> those of this one.

The parts of the recipe were settings of their own, three schedules had ten flags in generator steps, and constants were
settings. `converted` carries a run's settings over so that going on with it trains as before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lomit_tf.settings.loss import loss_defaults
from lomit_tf.settings.model import STYLE_DIM
from lomit_tf.settings.options import ConfigError
from lomit_tf.settings.run import LomitConfig
from lomit_tf.settings.schedule import Schedule

COMMAND = "python -m lomit_tf.convert_run"
# The parts of the two systems: the setting, its value in the paper's, its value in the recipe.
SYSTEM_PARTS = {
    "style_normalised": (False, True), "skips": (False, True), "output": ("bare", "composite"),
    "masks": ("coupled", "decoupled"), "critic_condition": ("none", "heads"), "detach_style_targets": (False, True),
    "r1_cut_negative": (False, True),
}  # fmt: skip
RENAMED = {
    "r1_features": "mask_similarity_features", "r2_change": "mask_sparsity_change", "r1_weight": "mask_similarity",
    "r1_start": "mask_similarity", "r1_end": "mask_similarity", "r2_weight": "mask_sparsity",
    "r2_schedule": "mask_sparsity", "r2_start": "mask_sparsity", "r2_end": "mask_sparsity",
    "r2_final_weight": "mask_sparsity", "mask_start": "mask_losses", "mask_end": "mask_losses",
} | dict.fromkeys(SYSTEM_PARTS, "system")  # fmt: skip
FORMS = {  # examples of what takes their place
    "mask_similarity": "--mask_similarity=0.1", "mask_sparsity": "--mask_sparsity=4:3@0.7-0.85",
    "mask_losses": "--mask_losses=0:1@0.1-0.2", "system": "--system=recipe",
}  # fmt: skip
# What is the same in every run now, and where another value was possible. A network's size decides whether the run can
# be used at all, the others whether going on with it trains as before.
SIZES = {"style_dim": STYLE_DIM, "group_mlps": "shared", "hadain": "once", "mask_logit_limit": 0.0}
CONSTANTS = {
    "gradient_penalty_weight": 10.0, "classification_weight": 1.0, "content_weight": 1.0,
    "style_foreground_weight": 1.0, "style_background_weight": 1.0, "background_weight": 0.0,
    "mask_classification_weight": 1.0, "edge_scale": 0.2,
}  # fmt: skip
DERIVED = ("mlp_width", "upsample_kernel", "mask_critic_weight", "beta1", "beta2")
WITHOUT_EFFECT = ("cache", "sample_count", "area_min", "area_max")
GONE = frozenset({*RENAMED, *SIZES, *CONSTANTS, *DERIVED, *WITHOUT_EFFECT})
# Defaults of older versions, for settings that even older runs do not name.
DEFAULTS: Mapping[str, Any] = {
    **{name: paper for name, (paper, _) in SYSTEM_PARTS.items()}, **SIZES, **CONSTANTS,
    "r1_weight": 0.1, "r1_start": 0, "r1_end": 0, "r2_weight": 1e-4, "r2_schedule": "constant", "r2_start": 0,
    "r2_end": 1000, "r2_final_weight": 0.0, "mask_start": 0, "mask_end": 0, "mask_critic_weight": 0.0,
    "beta1": 0.5, "beta2": 0.999, "decay_start": 20_000, "decay_every": 2_000, "steps": 40_000,
}  # fmt: skip


def is_older(values: Mapping[str, Any]) -> bool:
    """Whether a run's settings, as config.json has them, are those of an older version."""
    return not GONE.isdisjoint(values)


def check(values: Mapping[str, Any], where: Any, folder: Any) -> None:
    """Raise ConfigError, naming the file and the command that converts its folder, for an older version's settings."""
    if is_older(values):
        raise ConfigError(f"{where}: settings of an older version; convert them with {COMMAND} {folder}")


def hint(name: str) -> str:
    """What a flag of an older version has become; empty for a name that never was one."""
    if name not in GONE:
        return ""
    now = f"is now a part of --{RENAMED[name]}" if name in RENAMED else "is gone"
    if form := FORMS.get(RENAMED.get(name, "")):
        now += f", for example {form}"
    return f"it {now}; {COMMAND} converts a run's folder"


def converted(
    values: Mapping[str, Any], *, betas: tuple[float, float] = (0.5, 0.999), adversarial: bool = True,
    approximate: bool = False,
) -> LomitConfig:  # fmt: skip
    """The configuration of a run from the settings that an older version saved.

    Args:
        values: of config.json.
        betas: decays of Adam's moments in this kind of run.
        adversarial: whether the run trains with the losses of the configuration; students and taught masks do not, and
            have their defaults.
        approximate: accept what only decides how training would go on.

    Raises:
        ConfigError: this version has no such networks, or (without `approximate`) no such training; the message lists
            the settings.
    """
    old = {**DEFAULTS, **values}
    recipe = _recipe(old)
    _check_networks(old)
    lost = _lost(old, recipe, betas, adversarial)
    if lost and not approximate:
        raise ConfigError(
            f"this version has no {', '.join(lost)}, so going on with this run would train otherwise. "
            "With --approximate it is converted nevertheless, for translating"
        )
    new = {name: value for name, value in values.items() if name not in GONE}
    span = _span(old, recipe, adversarial)
    new |= {
        "system": "recipe" if recipe else "paper", "schedule_steps": span,
        "decay_start": old["decay_start"] / span if old["decay_start"] else 1.0,
        "decay_every": old["decay_every"] / span if old["decay_start"] else 0.05,
    }  # fmt: skip
    if not adversarial:
        return LomitConfig.from_flat(new | loss_defaults())
    new |= {
        "mask_similarity": _schedule(0.0, old["r1_weight"], old["r1_start"], old["r1_end"], span),
        "mask_sparsity": _sparsity(old, span),
    }  # fmt: skip
    new |= {RENAMED[name]: values[name] for name in ("r1_features", "r2_change") if name in values}
    if recipe:
        new["mask_losses"] = _schedule(0.0, 1.0, old["mask_start"], old["mask_end"], span)
    return LomitConfig.from_flat(new)


def _recipe(old: Mapping[str, Any]) -> bool:
    """Whether the parts are the recipe's or the paper's. Raises ConfigError for a mixture."""
    others = [[name for name, parts in SYSTEM_PARTS.items() if old[name] != parts[i]] for i in (0, 1)]
    if all(others):
        odd = ", ".join(f"{name}={old[name]}" for name in min(others, key=len))
        nearer = "paper" if len(others[0]) < len(others[1]) else "recipe"
        raise ConfigError(
            f"this version has the systems paper and recipe alone; the run is nearest to {nearer}, but has {odd}"
        )
    return not others[1]


def _check_networks(old: Mapping[str, Any]) -> None:
    """Raise ConfigError for networks that this version cannot build."""
    wrong = [f"{name}={old[name]}" for name, value in SIZES.items() if old[name] != value]
    base, edge = old.get("base_channels", 64), old.get("edge_kernel", 7)
    for name, value, beside in (
        ("mlp_width", 4 * base, f"base_channels={base}"), ("upsample_kernel", min(5, edge), f"edge_kernel={edge}")
    ):  # fmt: skip
        if old.get(name, value) != value:
            wrong.append(f"{name}={old[name]} with {beside}")
    if wrong:
        raise ConfigError(f"this version has no networks with {', '.join(wrong)}; use the version that trained it")


def _lost(old: Mapping[str, Any], recipe: bool, betas: tuple[float, float], adversarial: bool) -> list[str]:
    """Settings of the training that this version cannot keep, and that matter in this run."""
    kept: dict[str, Any] = {"beta1": betas[0], "beta2": betas[1]}
    if adversarial:
        masks_learn = recipe and not old.get("freeze_masks")  # frozen masks have no losses
        kept |= CONSTANTS | ({"mask_critic_weight": 0.2} if masks_learn else {})
        for name, matters in (("edge_scale", old.get("edge_weight")), ("mask_classification_weight", masks_learn)):
            if not matters:
                del kept[name]
    lost = [f"{name}={old[name]}" for name, value in kept.items() if old[name] != value]
    return [*lost, "r2_schedule=area"] if adversarial and old["r2_schedule"] == "area" else lost


def _span(old: Mapping[str, Any], recipe: bool, adversarial: bool) -> int:
    """The least number of steps of which all times of the run are fractions of at most 1."""
    ends = [old["steps"]]
    if old["decay_start"]:
        ends += [old["decay_start"], old["decay_every"]]
    if adversarial:
        ends.append(old["r1_end"])
        if old["r2_schedule"] in ("warmup", "anneal"):
            ends.append(old["r2_end"])
        if recipe:
            ends.append(old["mask_end"])
    return int(max(ends))


def _schedule(initial: float, final: float, start: int, end: int, span: int) -> str:
    """As config.json has it. Where start and end are 0 it is the final value throughout."""
    return str(Schedule(initial, final, start / span, end / span) if end else Schedule(final, final))


def _sparsity(old: Mapping[str, Any], span: int) -> str:
    """R2's schedule; its weight for one by area."""
    weight, times = old["r2_weight"], (old["r2_start"], old["r2_end"], span)
    if old["r2_schedule"] == "warmup":
        return _schedule(0.0, weight, *times)
    if old["r2_schedule"] == "anneal":
        return _schedule(weight, old["r2_final_weight"], *times)
    return str(Schedule(weight, weight))
