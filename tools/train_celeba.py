"""Train the parts of a model like the shipped celeba and put them together: from CelebA to a folder of weights.

    python tools/train_celeba.py --data_dir=/path/to/celeba --workdir=runs/celeba_all

Runs twenty-three commands one after the other, each of which it prints: hair and lips by colour curves, smiles and
facial hair from near, and lomit_tf.join, of all parts and of those that a phone takes. By the times of its commands,
about four hours on two cores with AVX-512. --share=0.1 takes a tenth of the images and steps, for a first look: so it
was run from end to end before smiles moved pixels, in 83 minutes of one core that it shared with other work; the whole
was not run yet. Started again with the same --workdir and --share it goes on where it was: stages that are done
are skipped, and a training that was interrupted resumes from its last checkpoint. --minutes stops it in time, after
saving.

Exit codes: 0 done; 1 a stage failed, and its message is above; 2 flags that cannot be used; 3 stopped by --minutes.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIPS = "Male,Heavy_Makeup,Young,Smiling,Mouth_Slightly_Open,Eyeglasses,Bangs,Rosy_Cheeks,Pale_Skin,No_Beard"
# Of what is painted from near: labels that go along with it, the share of the close-up that is its place, and how many
# images say where that is.
NEAR = {
    "smile": ("Male,Young,Heavy_Makeup,Wearing_Lipstick,Eyeglasses,Bangs,No_Beard", 0.36, 8000),
    "facial_hair": ("Male,Young,Heavy_Makeup,Smiling,Mouth_Slightly_Open,Wearing_Lipstick,Eyeglasses", 0.32, 15900),
}
STOPPED, FAILED = 3, 1
LEAST = 200  # images that places and layouts are learned from at least, whatever the share
LEAVE = 120.0  # seconds that a training has for saving once it is asked to stop

Stage = tuple[str, list[str], Path]  # a name, the arguments of python, and what is there once it is done


def stages(data: str, work: Path, share: float = 1.0) -> Iterator[Stage]:
    """All stages in their order. What says that a stage is done is its last checkpoint, or the file that it writes.

    Args:
      data: folder of CelebA's files.
      work: folder of all stages.
      share: of the images and steps of a whole run, in 0..1.
    """

    def of(number: int, least: int = 1) -> int:
        return max(round(share * number), min(least, number))

    def images(flag: str, number: int) -> str:
        return f"--{flag}_images={of(number, LEAST)}"

    def train(name: str, flagfile: str, steps: int, *more: str) -> Stage:
        asked = [f"--flagfile={flagfile}", f"--data_dir={data}", f"--steps={steps}", *more, f"--workdir={work / name}"]
        return name, ["-m", "lomit_tf.train", *asked], work / name / "checkpoints" / f"step-{steps}.npz"

    def refine(name: str, model: str, *more: str) -> Stage:
        out = work / f"{name}.npz"
        given = [f"--model={model}", "--refuse=", *more, f"--data_dir={data}", f"--out={out}"]
        return name, ["-m", "lomit_tf.refine_masks", *given], out

    def teach(name: str, model: Path, targets: list[str], steps: int, *more: str) -> Stage:
        refined = ",".join(str(work / f"{target}.npz") for target in targets)
        asked = [
            f"--model={model}", f"--refined_masks={refined}", f"--data_dir={data}", f"--steps={steps}", "--patience=0",
            *more, f"--workdir={work / name}",
        ]  # fmt: skip
        return name, ["-m", "lomit_tf.teach_masks", *asked], work / name / "checkpoints" / f"step-{steps}.npz"

    def moving(name: str) -> Iterator[Stage]:
        model, found = work / f"{name}_masks", work / f"{name}_movements.npz"
        yield f"{name}_movements", [
            "-m", "lomit_tf.find_movements", f"--model={model}", f"--pairs={of(9000, LEAST)}", "--train_images=16000",
            f"--data_dir={data}", f"--out={found}",
        ], found  # fmt: skip
        steps = of(2400)
        yield name, [
            "-m", "lomit_tf.teach_movements", f"--model={model}", f"--movements={found}", f"--data_dir={data}",
            f"--steps={steps}", f"--workdir={work / name}",
        ], work / name / "checkpoints" / f"step-{steps}.npz"  # fmt: skip

    yield train("colours_begun", "celeba_colours.cfg", 1, "--init_from=celeba_hair", "--nofreeze_masks")
    yield refine(
        "hair", "celeba_hair", "--by=regions", "--refine_size=128", images("train", 7000), images("layout", 1000),
        "--bare=Bald,Wearing_Hat", "--face=0.5,0.55,0.18,0.13",
    )  # fmt: skip
    for name, far in (("lips_near", "0.05"), ("lips", "1")):
        yield refine(
            name, str(work / "colours_begun"), "--by=labels", "--group=lips", "--place_values=a", "--place_share=0.02",
            "--place_edge=0.01", "--place_competes=0.4", f"--place_far={far}", f"--controls={LIPS}",
            images("layout", 8000), images("train", 8000),
        )  # fmt: skip
    yield teach("colour_masks_begun", work / "colours_begun", ["hair", "lips_near"], of(1000), "--certain=0.6")
    yield teach(
        "colour_masks", work / "colour_masks_begun", ["hair", "lips"], of(1000), "--certain=0.6", "--decay_start=0.4",
        "--decay_every=0.1",
    )  # fmt: skip
    before = work / "colour_masks"
    for name, count, taught, steps, decay in (
        ("hair_again", 8000, "colour_masks_again", 260, ()),
        ("hair_last", 6000, "colours", 300, ("--decay_start=0.2", "--decay_every=0.1")),
    ):
        yield refine(
            name, str(before), "--by=photographs", "--refine_size=128", images("train", count),
            "--bare=Bald,Wearing_Hat", "--face=0.5,0.55,0.18,0.13",
        )  # fmt: skip
        yield teach(taught, before, [name], of(steps), "--certain=0.6", *decay)
        before = work / taught
    painters = {}
    for name, (controls, place, count) in NEAR.items():
        flagfile = f"celeba_{name}.cfg"
        yield train(f"{name}_begun", flagfile, 1, "--init_from=celeba_faces", "--nofreeze_masks")
        yield refine(
            f"{name}_place", str(work / f"{name}_begun"), "--by=labels", "--refine_size=64", f"--controls={controls}",
            f"--place_share={place}", images("layout", count), images("train", 5000),
        )  # fmt: skip
        yield teach(
            f"{name}_masks", work / f"{name}_begun", [f"{name}_place"], of(400), images("train", 5000),
            "--decay_start=0.5", "--decay_every=0.1",
        )  # fmt: skip
        painters[name] = work / name
        if name == "smile":
            yield from moving(name)
        else:
            yield train(name, flagfile, of(4200), f"--init_from={work / f'{name}_masks'}")
    for name, parts in (("celeba", list(NEAR)), ("celeba_mobile", ["smile"])):
        joint, given = work / name, [f"--part={painters[part]}" for part in parts]
        asked = ["-m", "lomit_tf.join", f"--base={work / 'colours'}", *given, f"--out={joint}"]
        yield name, asked, joint / "model.json"
        yield f"{name}_graph", ["-m", "export.light", str(joint)], joint / "graph.npz"


def main() -> int:
    """Run what is not done yet; the exit code is as in the module."""
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    p.add_argument("--data_dir", required=True, help="folder of CelebA's files, as of configs/celeba.cfg")
    p.add_argument("--workdir", default="runs/celeba_all", help="folder of all stages")
    p.add_argument("--share", type=float, default=1, help="of the images and steps of a whole run, in 0..1")
    p.add_argument("--minutes", type=float, default=0, help="stop after so many, saving first (0: never)")
    p.add_argument("--list", action="store_true", help="print the commands and what is done, and run none")
    given = p.parse_args()
    work, data, began = Path(given.workdir).resolve(), Path(given.data_dir).resolve(), time.monotonic()
    if not given.data_dir or not data.is_dir():
        p.error(f"--data_dir={given.data_dir} is not a folder")
    if not given.workdir or (work.exists() and not work.is_dir()):
        p.error(f"--workdir={given.workdir} is not a folder; all stages are written there")
    if not given.minutes >= 0:  # nan is not
        p.error(f"--minutes must be at least 0; received {given.minutes:g}")
    if not 0 < given.share <= 1:
        p.error(f"--share must be above 0 and at most 1; received {given.share:g}")
    if given.list:
        return _list(stages(str(data), work, given.share))
    begun = work / "share.txt"
    if begun.exists() and begun.read_text() != f"{given.share:g}":
        p.error(f"--workdir={given.workdir} was begun with --share={begun.read_text()}; give that, or another folder")
    work.mkdir(parents=True, exist_ok=True)
    begun.write_text(f"{given.share:g}")
    for name, arguments, done in stages(str(data), work, given.share):
        command = shlex.join(["python", *arguments])
        if done.exists():
            print(f"{name}: done", flush=True)
            continue
        print(command, flush=True)
        left = given.minutes * 60 - (time.monotonic() - began) if given.minutes else None
        if (left is not None and left <= 0) or not _run(arguments, left):
            print(f"stopped after {given.minutes:g} minutes; the same command goes on", file=sys.stderr)
            return STOPPED
        if not done.exists():
            print(f"{name} failed: {done} is not there", file=sys.stderr)
            return FAILED
    return 0


def _list(planned: Iterator[Stage]) -> int:
    """Print the commands, and which of them are done."""
    try:
        for _, arguments, done in planned:
            print(f"{'done' if done.exists() else 'to do'}: {shlex.join(['python', *arguments])}")
        sys.stdout.flush()
    except BrokenPipeError:  # of a reader like head, which has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _run(arguments: list[str], seconds: float | None) -> bool:
    """Run python with arguments in the foreground; False where it was stopped since the time was over."""
    process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.terminate()  # trainings save, and refining keeps what it has
        try:
            process.wait(LEAVE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        return False
    except KeyboardInterrupt:
        process.wait()
        raise
    return True


if __name__ == "__main__":
    sys.exit(main())
