"""A user study: `python -m lomit_tf.user_study make` writes its page, `... score` reads the answers.

Exit codes: 0 done; 1 a file could not be written; 2 flags, images or answers that cannot be used; 130 or 143
interrupted.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from lomit_tf.commands import Command, Failure, FlagSet, report, require_extra
from lomit_tf.config import NEEDED, ConfigError, option
from lomit_tf.runtime.atomic import write_text

NAME = "lomit-user-study"
INTRO = """\
Ask people which method's pictures are best. `make` writes one page that opens without a network; people rank the
outputs of several methods, blind, and download their answers; `score` computes mean reciprocal ranks.

  python -m lomit_tf.user_study make --help
  python -m lomit_tf.user_study score --help"""
MAKE = """\
Write the page of a user study and its key.

  python -m lomit_tf.user_study make --input=faces --exemplar=exemplars \\
      --method=lomit=out/lomit --method=munit=out/munit --out=study.html --questions=20

Files are matched by name: faces/7.jpg, exemplars/7.jpg, out/lomit/7.png and out/munit/7.png are one question.
Give people study.html; keep study.key.json, which says which picture is whose."""
SCORE = """\
Compute mean reciprocal ranks from the files that people downloaded.

  python -m lomit_tf.user_study score --key=study.key.json anna.csv ben.csv"""


@dataclasses.dataclass(frozen=True)
class MakeFlags:
    """What `make` is asked for."""

    input: str = option(NEEDED, "the images that were translated", form="DIR")
    exemplar: str = option(NEEDED, "the exemplar of each", form="DIR")
    method: tuple[str, ...] = option(
        NEEDED, "a method and the folder of its outputs; give it twice or more", form="NAME=DIR", repeated=True
    )
    out: str = option(NEEDED, "the page; the key goes beside it", form="FILE.html")
    questions: int = option(0, "how many to draw; 0 takes all", least=0)
    seed: int = option(0, "of the draw and of the orders", least=0)
    max_side: int = option(384, "shrink larger images to so many pixels", least=16)
    title: str = option("", "the page's heading (default: Which picture is best?)")
    ask: str = option("", "what people are asked to do (default: to rank by the example's look, and by quality)")


@dataclasses.dataclass(frozen=True)
class ScoreFlags:
    """What `score` is asked for; the answers may be given without their flag."""

    answers: tuple[str, ...] = option(
        NEEDED, "the files that people downloaded; --answers= may be left out", form="FILE.csv", repeated=True
    )
    key: str = option(NEEDED, "the key that make wrote", form="FILE.key.json")
    out: str = option("", "the result; Markdown goes beside it (default: beside the key)", form="FILE.json")
    seed: int = option(0, "of the bootstrap", least=0)


def run(argv: Sequence[str] | None = None) -> int:
    """The command: does it and returns the exit code (see the module).

    Args:
      argv: the arguments without the program's name; None takes the process's.
    """
    name, *rest = (sys.argv[1:] if argv is None else argv) or [""]
    make, score = FlagSet(MakeFlags, MAKE), FlagSet(ScoreFlags, SCORE, words="answers")
    if name == "make":
        return Command(NAME, make.help_text, make.parse, _make, "nothing was written", models=False).run(rest)
    if name == "score":
        return Command(NAME, score.help_text, score.parse, _score, "nothing was written", models=False).run(rest)
    return Command(NAME, lambda: INTRO, _refuse, print).run([name, *rest])


def _refuse(argv: Sequence[str]) -> None:
    raise ConfigError(f"the first argument must be make or score (make|score --help says more); received {argv[0]!r}")


def _make(flags: MakeFlags) -> None:
    require_extra("evaluate", "jinja2", "pydantic", "scipy")
    from lomit_tf.evaluation.user_study import page  # decodes images, with TensorFlow behind it: seconds

    methods: dict[str, Path] = {}
    for value in flags.method:
        name, _, folder = value.partition("=")
        if not name or not folder:
            raise ConfigError(f"--method must be NAME=DIR; received {value!r}")
        if name in methods:
            raise ConfigError(f"--method={value}: another one has the same name")
        methods[name] = Path(folder)
    with _writing(flags.out):
        study = page.make(
            Path(flags.input), Path(flags.exemplar), methods, questions=flags.questions, seed=flags.seed,
            max_side=flags.max_side, title=flags.title, ask=flags.ask,
        )  # fmt: skip
        places = page.write(study, Path(flags.out))
    report(f"{len(study.key['questions'])} questions, {len(methods)} methods; keep the key to yourself", places)


def _score(flags: ScoreFlags) -> None:
    require_extra("evaluate", "jinja2", "pydantic", "scipy")
    from lomit_tf.evaluation.user_study import scores as scores

    key_path = Path(flags.key)
    out = Path(flags.out or key_path.with_name(key_path.name.removesuffix(".key.json") + ".scores.json"))
    if out.suffix != ".json" or out.resolve() == key_path.resolve():
        raise ConfigError(f"--out={out}: name a file that ends in .json and is not the key")
    key = scores.read_key(key_path)
    found = scores.score(
        scores.read_answers([Path(path) for path in flags.answers], key), key["study"], seed=flags.seed
    )
    text, beside = scores.markdown(found), out.with_suffix(".md")
    with _writing(flags.out):
        write_text(out, json.dumps(found, indent=1, ensure_ascii=False) + "\n")
        write_text(beside, text)
    report(text, {"scores": out, "tables": beside})


@contextlib.contextmanager
def _writing(out: str) -> Iterator[None]:
    """A file that cannot be written ends the command."""
    try:
        yield
    except OSError as error:
        raise Failure(f"{error.filename or out}: {error.strerror or error}") from error


if __name__ == "__main__":
    sys.exit(run())
