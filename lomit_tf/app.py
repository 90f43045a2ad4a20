"""A page in the browser where a person translates pictures and repaints the masks: `python -m lomit_tf.app`, or
`lomit-app`. `--help` lists the flags.

Exit codes: 1 the page could not be served; 2 flags that cannot be used; 128 and the signal's number when
interrupted.
"""

from __future__ import annotations

import argparse
import importlib.util
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Any

from lomit_tf.config import ConfigError
from lomit_tf.quiet import import_tensorflow

FAILED, UNUSABLE, INTERRUPTED = 1, 2, 128  # exit codes; the last one plus the signal's number
HELP = """\
Opens a page where a picture takes the look of an exemplar, and where you can paint what changes and what is taken.

  lomit-app --model=celeba_small
      on this machine only, at http://127.0.0.1:7860
  lomit-app --model=celeba_small --host=0.0.0.0 --port=8080
      for everyone who can reach this machine; there is no password"""


def parser() -> argparse.ArgumentParser:
    """The flags of the command."""
    flags = argparse.ArgumentParser(
        "lomit-app", description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    flags.add_argument(
        "--model",
        help="name of shipped weights, a --workdir of lomit_tf.train, or a checkpoint of one (default: drawn_faces)",
        default="drawn_faces",
        metavar="M",
    )
    flags.add_argument("--host", help="address to listen on (default: 127.0.0.1)", default="127.0.0.1", metavar="H")
    flags.add_argument(
        "--port", help="port to listen on; 0 takes a free one (default: 7860)", type=int, default=7860, metavar="P"
    )
    flags.add_argument("--share", help="also open a public link through Gradio's servers", action="store_true")
    flags.add_argument(
        "--crop",
        help="what the model sees of a picture: face (the largest; where there is none, the centre), center, or none "
        "(all of it) (default: face)",
        choices=("face", "center", "none"),
        default="face",
    )
    return flags


def run(argv: Sequence[str] | None = None) -> int:
    """The command: serves the page until it is interrupted, and returns the exit code (see the module).

    Args:
      argv: the arguments without the program's name; None takes the process's.
    """
    try:
        args = parser().parse_args(argv)
    except SystemExit as stop:  # argparse has said why
        return int(stop.code or 0)
    if not 0 <= args.port < 65536:
        return _failed(f"--port must be 0 to 65535; received {args.port}", UNUSABLE)
    if importlib.util.find_spec("gradio") is None:
        return _failed('gradio is not installed; install the extra: pip install "lomit_tf[app]"', UNUSABLE)
    signals = [int(signal.SIGINT)]

    def stop_at(number: int, frame: Any) -> None:
        signals.append(number)
        raise KeyboardInterrupt

    main = threading.current_thread() is threading.main_thread()
    before = {s: signal.signal(s, stop_at) for s in (signal.SIGINT, signal.SIGTERM)} if main else {}
    try:
        return _serve(args)
    except KeyboardInterrupt:
        return INTERRUPTED + signals[-1]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _serve(args: argparse.Namespace) -> int:
    """The part that takes TensorFlow and Gradio, which are imported only here: seconds after any usage error."""
    try:
        import_tensorflow()
    except ConfigError as error:
        return _failed(str(error), UNUSABLE)
    from lomit_tf.translator import Translator
    from lomit_tf.webapp import serving

    try:
        translator = Translator(args.model, crop=args.crop, log_notes=False)
    except ConfigError as error:
        return _failed(f"--model: {error}", UNUSABLE)
    try:
        served = serving.serve(translator, host=args.host, port=args.port, share=args.share)
    except OSError as error:
        return _failed(f"--host={args.host} --port={args.port}: {error}", FAILED)
    with served:
        print(f"lomit-app: open {served.url}  (Ctrl-C stops it)", flush=True)
        if served.share_url:
            print(f"lomit-app: public link {served.share_url}", flush=True)
        threading.Event().wait()  # until a signal
    return 0


def _failed(message: str, code: int) -> int:
    print(f"lomit-app: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(run())
