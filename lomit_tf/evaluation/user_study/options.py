"""What `lomit_tf.user_study` is asked for; the fields are its flags."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from lomit_tf.config import NEEDED, ConfigError, option

MOST = 26  # methods: each result has a letter


class StudyError(ConfigError):
    """A study or its answers cannot be used; the message names the file or flag and says what to do."""


@dataclasses.dataclass(frozen=True)
class MakeOptions:
    """The page to make. Raises StudyError for methods or an `out` that cannot be meant."""

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

    def __post_init__(self) -> None:
        if bad := [value for value in self.method if not all(value.partition("="))]:
            raise StudyError(f"--method must be NAME=DIR; received {bad[0]!r}")
        if not 2 <= len(self.method) <= MOST:
            raise StudyError(f"--method was given {len(self.method)} times; give 2 to {MOST} methods")
        if len(set(self.methods())) < len(self.method):
            raise StudyError(f"--method={' --method='.join(self.method)}: two have the same name")
        if Path(self.out).suffix.lower() not in (".html", ".htm"):
            raise StudyError(f"--out={self.out}: name a file that ends in .html")

    def methods(self) -> list[str]:
        """The methods' names."""
        return [value.partition("=")[0] for value in self.method]

    def folders(self) -> dict[str, str]:
        """Flag -> folder: "--input", "--exemplar", and "--method=NAME" for each method."""
        methods = {f"--method={name}": folder for name, _, folder in (value.partition("=") for value in self.method)}
        return {"--input": self.input, "--exemplar": self.exemplar, **methods}


@dataclasses.dataclass(frozen=True)
class ScoreOptions:
    """The answers to read; they may be given without their flag."""

    answers: tuple[str, ...] = option(
        NEEDED, "the files that people downloaded, with or without --answers= before them", form="FILE.csv",
        repeated=True,
    )  # fmt: skip
    key: str = option(NEEDED, "the key that make wrote", form="FILE.key.json")
    out: str = option("", "the result; Markdown goes beside it (default: beside the key)", form="FILE.json")
    seed: int = option(0, "of the bootstrap", least=0)

    def __post_init__(self) -> None:
        if self.result().suffix != ".json" or self.result().resolve() == Path(self.key).resolve():
            raise StudyError(f"--out={self.out}: name a file that ends in .json and is not the key")

    def result(self) -> Path:
        """The file of the scores."""
        return Path(self.out or self.key.removesuffix(".json").removesuffix(".key") + ".scores.json")
