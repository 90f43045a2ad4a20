"""The figures of a short run, right after it: masks, background and colours on pairs that it was not trained on."""

from __future__ import annotations

import dataclasses
import os
import shlex
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from lomit_tf.data.sources import open_set
from lomit_tf.evaluation.metrics import differences
from lomit_tf.evaluation.metrics.attribute_classifier_config import shipped_classifiers
from lomit_tf.evaluation.metrics.cases import Cases, make_cases
from lomit_tf.evaluation.metrics.mask_quality import mask_quality
from lomit_tf.model import Lomit
from lomit_tf.training.checkpoints import load

PAIRS, AT_ONCE = 100, 20


def first_look(workdir: Path) -> list[tuple[str, dict[str, str]]]:
    """The figures of a run, where its data set has true masks, and the commands that go on from it, under titles."""
    model = load(workdir)
    found = figures(model)
    measures = [(f"on {PAIRS} pairs that it was not trained on:", found)] if found else []
    data, steps, python = model.config.data, model.config.training.steps, this_python()
    commands = {
        "longer, from the start": "the same command with more --minutes or --steps and another --workdir",
        "from here": f"{python} -m lomit_tf.train --flagfile={workdir / 'flags.cfg'} --steps={2 * steps}",
        "translate": f"{python} -m lomit_tf.translate --model={workdir} --input=... --exemplar=... --output=...",
    }
    if find_spec("jinja2") is None:  # one of what the report needs
        commands["to measure it, first"] = f"{python} -m pip install 'lomit_tf[evaluate]'"
    classifier = next((name for name, dataset in shipped_classifiers().items() if dataset == data.dataset), "")
    if not classifier:
        classifier, size = "runs/classifier", f"--dataset={data.dataset} --image_size={data.image_size}"
        commands["train a classifier"] = f"{python} -m lomit_tf.train_classifier {size} --out={classifier}"
    measured = f"--checkpoint={workdir} --classifier={classifier} --out=runs/evaluation"
    commands["measure"] = f"{python} -m lomit_tf.evaluate {measured}"
    return [*measures, ("to go on:", commands)]


def this_python() -> str:
    """How a shell in this folder calls the Python that runs: `python` where that is the one, else its path."""
    mine, found = Path(sys.executable), shutil.which("python")
    if found and Path(found).absolute().parent == mine.absolute().parent:  # environments link to one and the same file
        return "python"
    within = os.path.relpath(mine)
    return shlex.quote(str(mine) if within.startswith(os.pardir) else within)


def figures(model: Lomit, pairs: int = PAIRS) -> dict[str, str]:
    """Names and values, as texts, of translations of all groups together; empty for a set without true masks.

    The definitions are those of `lomit_tf.evaluate` (docs/evaluation.md).
    """
    config, groups = model.config.data, dict(model.config.data.group_labels)
    images = open_set(config, "test")
    if images.read_masks is None:
        return {}
    plain = dataclasses.replace(config, match=(), pairing="random")
    cases = make_cases(images, plain, pairs, 0, groups, None)
    translated, masks = _translated(model, cases)
    rows = {}
    for g, (name, labels) in enumerate(groups.items()):
        chosen = cases.owned(labels)
        truth, theirs = cases.truth(chosen), cases.truth(chosen, "exemplar")
        if truth is None or theirs is None:
            continue
        if quality := mask_quality(masks[..., g], truth):
            whole = float(np.mean([one.mean() for one in truth >= 0.5 if one.any()]))
            rows[f"{name}: IoU of the mask"] = f"{quality.iou:.2f} (of the whole image: {whole:.2f})"
        before = differences.colour_followed(cases.input.images, truth, cases.exemplar.images, theirs)
        after = differences.colour_followed(translated, truth, cases.exemplar.images, theirs)
        if before and after:
            rows[f"{name}: colour, from the exemplar's"] = f"{after.rgb:.3f} of 0..1 ({before.rgb:.3f} untranslated)"
    owned = cases.truth(cases.owned(tuple(label for labels in groups.values() for label in labels)))
    background = None if owned is None else differences.kept(cases.input.images, translated, differences.outside(owned))
    if background:
        rows["change of the background"] = f"{background.error:.4f} of 0..1"
    return rows


def _translated(model: Lomit, cases: Cases) -> tuple[np.ndarray, np.ndarray]:
    """Translations (N, S, S, 3) and the inputs' masks (N, S, S, G)."""

    @tf.function(autograph=False, reduce_retracing=True)
    def translate(image: Any, exemplar: Any) -> tuple[Any, Any]:
        out = model.translate(image, exemplar)
        return out["image"], out["image_masks"]

    parts = [slice(i, i + AT_ONCE) for i in range(0, len(cases), AT_ONCE)]
    found = [[x.numpy() for x in translate(cases.input.images[p], cases.exemplar.images[p])] for p in parts]
    pictures, masks = (np.concatenate(part) for part in zip(*found, strict=True))
    return pictures, masks[..., : len(model.group_names)]
