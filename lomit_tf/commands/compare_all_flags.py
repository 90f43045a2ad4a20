"""The flags of `lomit-compare-all`, and the run that they ask of each method. Imports no TensorFlow."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from lomit_tf.commands import FlagSet
from lomit_tf.commands import flags as run_flags
from lomit_tf.config import ConfigError, LomitConfig, near, option
from lomit_tf.settings.methods import DEFAULT, ROOMS, facts

INTRO = """\
Train all methods on drawn faces, black hair to blond and back, each for the same processor time, and compare them.

  python -m lomit_tf.compare_all
      twenty minutes of processor time a method; the page is runs/compare/page/index.html
  python -m lomit_tf.compare_all --minutes=1 --methods=lomit,stargan --out=runs/compare_short

The same command goes on where it was interrupted. A method whose training fails is named in the table; the others go
on. --settings gives all of them further flags of lomit_tf.train, such as another data set."""
# What all methods share: the data, and LOMIT's tuned flags, of which the others take those of data and loop alone.
SHARED = ("--flagfile=drawn_faces.cfg", "--domains=Black_Hair | Blond_Hair", "--groups=", "--colour_groups=all")


@dataclasses.dataclass(frozen=True)
class CompareAllFlags:
    """What to train and how long."""

    out: str = option("runs/compare", "folder for the runs, the classifier and the page", form="DIR")
    minutes: float = option(20.0, "processor time for each method, in minutes")
    methods: tuple[str, ...] = option((), f"comma-separated methods (default: all, {', '.join(ROOMS)})")
    size: str = option("small", "sizes of the networks of the methods other than lomit", form="NAME")
    settings: tuple[str, ...] = option(
        (), "a flag of lomit_tf.train for all methods", form="--FLAG=VALUE", repeated=True
    )
    classifier: str = option(
        "", "attribute classifier, as of lomit_tf.compare (default: the shipped one of the data set; where that does "
        "not know the labels, one is trained in --out)", form="DIR"
    )
    classifier_steps: int = option(600, "updates of the classifier that is trained", least=1)
    embedder: str = option("", "as of lomit_tf.compare (default: the classifier's features)", form="FILE")
    embedder_range: str = option("", "as of lomit_tf.compare", form="LOW,HIGH")
    pairs: int = option(1000, "pairs that are measured", least=2)
    only: str = option("", "train this method in this process, and compare nothing", form="NAME")

    @property
    def chosen(self) -> tuple[str, ...]:
        """The methods to train."""
        return self.methods or tuple(ROOMS)


FLAGS = FlagSet(CompareAllFlags, INTRO)


def config_of(flags: CompareAllFlags, method: str) -> LomitConfig:
    """A method's run. Raises ConfigError for settings that cannot be used.

    Batches are LOMIT's, and its authors' where those are smaller: in so short a time the number of updates decides.
    """
    if method == DEFAULT:
        return run_flags.parse([*SHARED, *flags.settings, f"--method={method}"]).config
    given = [*SHARED, *flags.settings, f"--method={method}", f"--method_size={flags.size}"]
    config, authors = run_flags.parse(given).config, facts(method).batch_size
    if authors >= config.training.batch_size or any(one.startswith("--batch_size") for one in flags.settings):
        return config
    return run_flags.parse([*given, f"--batch_size={authors}"]).config


def parse(argv: Sequence[str]) -> tuple[CompareAllFlags, Sequence[str]]:
    """The flags, checked for every method, and the command line itself."""
    flags = FLAGS.parse(argv)
    if flags.minutes <= 0:
        raise ConfigError(f"--minutes must be greater than 0; received {flags.minutes:g}")
    for method in (*flags.chosen, *filter(None, [flags.only])):
        if method not in ROOMS:
            raise ConfigError(f"--methods: {method!r} is unknown; {near(method, ROOMS)}")
        config_of(flags, method)
    return flags, argv
