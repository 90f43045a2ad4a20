"""A page in the browser where a person translates pictures and repaints the masks: `python -m lomit_tf.app`, or
`lomit-app`. `--help` lists the flags.

Exit codes: 1 the page could not be served; 2 flags that cannot be used; 128 and the signal's number when
interrupted.
"""

from __future__ import annotations

import dataclasses
import sys
import threading
from collections.abc import Sequence

from lomit_tf import zoo
from lomit_tf.commands import Command, Failure, FlagSet, require_extra
from lomit_tf.commands.models import check_lomit
from lomit_tf.config import ConfigError, option

NAME = "lomit-app"
INTRO = """\
Opens a page where a picture takes the look of an exemplar, and where you can paint what changes and what is taken.

  lomit-app
      on this machine only, at http://127.0.0.1:7860
  lomit-app --model=drawn_faces --host=0.0.0.0 --port=8080
      for everyone who can reach this machine; there is no password"""


@dataclasses.dataclass(frozen=True)
class AppFlags:
    """What a command line asks for."""

    model: str = option(
        zoo.DEFAULT, "name of shipped weights, a --workdir of lomit_tf.train, or a checkpoint of one", form="M"
    )
    host: str = option("127.0.0.1", "address to listen on", form="H")
    port: int = option(7860, "port to listen on; 0 takes a free one", least=0, most=65535)
    share: bool = option(False, "also open a public link through Gradio's servers")
    crop: str = option(
        "face", "what the model sees of a picture: face (the largest; where there is none, the centre), center, or "
        "none (all of it)", ("face", "center", "none"),
    )  # fmt: skip


FLAGS = FlagSet(AppFlags, INTRO)


def run(argv: Sequence[str] | None = None) -> int:
    """The command: serves the page until it is interrupted, and returns the exit code (see the module).

    Args:
      argv: the arguments without the program's name; None takes the process's.
    """
    return Command(NAME, FLAGS.help_text, FLAGS.parse, _serve, check=_check).run(argv)


def _check(flags: AppFlags) -> None:
    check_lomit("model", flags.model, "the page")
    require_extra("app", "gradio")


def _serve(flags: AppFlags) -> None:
    """The part that takes TensorFlow and Gradio, which are not imported before: seconds after any usage error."""
    from lomit_tf.photos.translator import Translator
    from lomit_tf.webapp import server as serving

    try:
        translator = Translator(flags.model, crop=flags.crop, log_notes=False)
    except ConfigError as error:
        raise ConfigError(f"--model: {error}") from error
    try:
        notice = zoo.notice(flags.model)
        served = serving.serve(translator, host=flags.host, port=flags.port, share=flags.share, notice=notice)
    except OSError as error:
        raise Failure(f"--host={flags.host} --port={flags.port}: {error}") from error
    with served:
        print(f"{NAME}: open {served.url}  (Ctrl-C stops it)", flush=True)
        if served.share_url:
            print(f"{NAME}: public link {served.share_url}", flush=True)
        threading.Event().wait()  # until a signal


if __name__ == "__main__":
    sys.exit(run())
