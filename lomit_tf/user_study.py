"""A user study: `python -m lomit_tf.user_study make` writes its page, `... score` reads the answers.

Exit codes: 0 done; 1 a file could not be written; 2 arguments, images or answers that cannot be used; 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from lomit_tf.atomic import write_text
from lomit_tf.evaluation import user_study_scores as scores
from lomit_tf.evaluation import user_study_tables as tables

FAILED, UNUSABLE, INTERRUPTED = 1, 2, 130
DESCRIPTION = """\
Ask people which method's pictures are best. `make` writes one page that opens without a network; people rank the
outputs of several methods, blind, and download their answers; `score` computes mean reciprocal ranks."""
MAKE = """\
example:
  python -m lomit_tf.user_study make --input=faces --exemplar=exemplars \\
      --method=lomit=out/lomit --method=munit=out/munit --out=study.html --questions=20

Files are matched by name: faces/7.jpg, exemplars/7.jpg, out/lomit/7.png and out/munit/7.png are one question.
Give people study.html; keep study.key.json, which says which picture is whose."""
SCORE = """\
example:
  python -m lomit_tf.user_study score --answers=anna.csv ben.csv --key=study.key.json"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    raw = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser(prog="lomit-user-study", description=DESCRIPTION, formatter_class=raw)
    commands = top.add_subparsers(dest="command", required=True, metavar="make|score")
    make = commands.add_parser(
        "make", help="write the page and its key", epilog=MAKE, formatter_class=raw, allow_abbrev=False
    )
    make.add_argument("--input", type=Path, required=True, metavar="DIR", help="the images that were translated")
    make.add_argument("--exemplar", type=Path, required=True, metavar="DIR", help="the exemplar of each")
    make.add_argument(
        "--method", type=_method, action="append", required=True, metavar="NAME=DIR",
        help="a method and the folder of its outputs; give it twice or more",
    )  # fmt: skip
    make.add_argument("--out", type=Path, required=True, metavar="FILE.html", help="the page; the key goes beside it")
    make.add_argument("--questions", type=int, default=0, metavar="N", help="how many to draw (default: all)")
    make.add_argument("--seed", type=int, default=0, help="of the draw and of the orders (default: 0)")
    make.add_argument("--max_side", type=int, default=384, metavar="PX", help="shrink larger images (default: 384)")
    make.add_argument("--title", help="the page's heading")
    make.add_argument("--ask", help="what people are asked to do")
    score = commands.add_parser(
        "score", help="compute the result", epilog=SCORE, formatter_class=raw, allow_abbrev=False
    )
    score.add_argument(
        "--answers", type=Path, nargs="+", action="extend", required=True, metavar="FILE.csv",
        help="the files that people downloaded",
    )  # fmt: skip
    score.add_argument("--key", type=Path, required=True, metavar="FILE.key.json", help="the key that make wrote")
    score.add_argument(
        "--out", type=Path, metavar="FILE.json", help="the result; Markdown goes beside it (default: beside the key)"
    )
    score.add_argument("--seed", type=int, default=0, help="of the bootstrap (default: 0)")
    return top


def _method(value: str) -> tuple[str, Path]:
    name, _, folder = value.partition("=")
    if not name.strip() or not folder:
        raise argparse.ArgumentTypeError(f"must be NAME=DIR; received {value!r}")
    return name.strip(), Path(folder)


def run(argv: Sequence[str] | None = None) -> int:
    """The command: does it and returns the exit code (see the module).

    Args:
      argv: the arguments without the program's name; None takes the process's.
    """
    words: list[str] = []
    for word in sys.argv[1:] if argv is None else argv:
        # argparse takes several values after "--answers a.csv", but only one after "--answers=a.csv".
        words.extend(word.split("=", 1) if word.startswith("--answers=") else [word])
    try:
        arguments = parser().parse_args(words)
    except SystemExit as stop:  # argparse has printed help or the error
        return stop.code if isinstance(stop.code, int) else UNUSABLE
    try:
        return _make(arguments) if arguments.command == "make" else _score(arguments)
    except scores.StudyError as error:
        return _failed(str(error), UNUSABLE)
    except OSError as error:
        return _failed(f"{error.filename or arguments.out}: {error.strerror or error}", FAILED)
    except KeyboardInterrupt:
        return _failed("stopped; nothing was written", INTERRUPTED)


def _make(arguments: argparse.Namespace) -> int:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from lomit_tf.evaluation import user_study  # decodes images, with TensorFlow behind it: seconds

    methods = dict(arguments.method)
    if len(methods) < len(arguments.method):
        raise scores.StudyError("--method was given twice with the same name; give each method a name of its own")
    study = user_study.make(
        arguments.input,
        arguments.exemplar,
        methods,
        questions=arguments.questions,
        seed=arguments.seed,
        max_side=arguments.max_side,
        title=arguments.title or user_study.TITLE,
        ask=arguments.ask or user_study.ASK,
    )
    places = user_study.write(study, arguments.out)
    print(f"{len(study.key['questions'])} questions, {len(methods)} methods ({len(study.html) / 1e6:.1f} MB)")
    print(f"  page: {places['page']}   for the participants")
    print(f"  key:  {places['key']}   for you alone, until the answers are in")
    return 0


def _score(arguments: argparse.Namespace) -> int:
    if arguments.seed < 0:
        raise scores.StudyError(f"--seed must be 0 or more; received {arguments.seed}")
    key = scores.read_key(arguments.key)
    out = arguments.out or arguments.key.with_name(arguments.key.name.removesuffix(".key.json") + ".scores.json")
    if out.suffix != ".json" or out.resolve() == arguments.key.resolve():
        raise scores.StudyError(f"--out={out}: name a file that ends in .json and is not the key")
    found = scores.score(scores.read_answers(arguments.answers, key), key["study"], seed=arguments.seed)
    write_text(out, json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    write_text(out.with_suffix(".md"), tables.markdown(found))
    print(tables.terminal(found), end="")
    print(f"\n  {out}\n  {out.with_suffix('.md')}")
    return 0


def _failed(message: str, code: int) -> int:
    print(f"lomit-user-study: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(run())
