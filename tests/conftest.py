"""Fixtures that several test modules share. Nothing here imports TensorFlow before a test asks for it."""

from __future__ import annotations

import functools
import gc
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before anything imports TensorFlow

import numpy as np
import pytest

from lomit_tf.config import LomitConfig
from lomit_tf.runtime.garbage import SELDOM
from lomit_tf.runtime.onednn import prefer_onednn

prefer_onednn()  # as every command does, so that tests and the commands that they start compute alike
# Of the graphs that TensorFlow builds hardly anything is garbage: to look for it took a seventh of the time.
gc.set_threshold(*SELDOM)
ROOT = Path(__file__).resolve().parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The smallest networks that still have every part; 64 px is the smallest image that LomitConfig takes.
TINY = {
    "image_size": 64, "attributes": ("Black_Hair", "Smiling"), "base_channels": 4, "residual_blocks": 1,
    "edge_kernel": 3, "style_downsamples": 2, "mask_upsamples": 1, "critic_channels": 4, "critic_layers": 3,
    "batch_size": 2, "n_critic": 1,
}  # fmt: skip

# The modules that take longest begin first, so that no core is idle at the end.
LONGEST = (
    "test_export", "test_export_command", "test_training", "test_domain_training", "test_one_picture",
    "test_android_build", "test_notebook", "test_baseline_training", "test_mask_teaching", "test_zoo",
    "test_site_page", "test_site_groups", "test_evaluation", "test_keras_settings", "test_attribute_classifier",
    "test_distill", "test_strategies", "test_jax_training", "test_jax_step", "test_model", "test_processes",
    "test_serve_saved_model", "test_app_page", "test_android_assets", "test_movement_teaching", "test_webapp",
    "test_app",
)  # fmt: skip


def pytest_configure() -> None:
    """Hear Ctrl-C also where a shell started the tests in the background, which ignores it: some tests send it."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """--quick, for `make quick`."""
    parser.addoption("--quick", action="store_true", help="only modules marked quick, without their slow tests")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With --quick modules that are not marked so are not even imported: importing TensorFlow takes seconds."""
    if not config.getoption("--quick") or not collection_path.name.startswith("test_"):
        return None
    return "pytestmark = pytest.mark.quick" not in collection_path.read_text(encoding="utf-8") or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest modules first; with --quick, without the slow tests of modules marked quick."""
    place = {name: i for i, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(LONGEST)))
    if config.getoption("--quick"):
        slow = [item for item in items if item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


@pytest.fixture(scope="session")
def tiny() -> Callable[..., LomitConfig]:
    """tiny(**fields): a LomitConfig with the smallest networks, and any field changed."""
    return lambda **fields: LomitConfig.create(**{**TINY, **fields})


@pytest.fixture
def rng() -> np.random.Generator:
    """The same random numbers in every run, for each test its own start."""
    return np.random.default_rng(20190610)


@pytest.fixture(scope="session")
def element() -> Callable[..., dict[str, np.ndarray]]:
    """element(config, pairs, seed, draws): a training element as the data side gives it, of random pixels."""

    def make(config: LomitConfig, pairs: int = 2, seed: int = 0, draws: bool = True) -> dict[str, np.ndarray]:
        random = np.random.default_rng(seed)
        lead, size = (pairs, config.training.n_critic), config.data.image_size
        labels, groups = len(config.data.label_names), len(config.data.group_labels)
        made: dict[str, Any] = {f"x{i}": random.uniform(-1, 1, (*lead, size, size, 3)) for i in (1, 2)}
        made |= {f"y{i}": random.integers(0, 2, (*lead, labels)) for i in (1, 2)}
        if draws:
            made["alpha"] = random.uniform(size=(*lead, 2))
            transfer = random.integers(0, 2, (*lead, groups))
            transfer[..., 0] |= ~transfer.any(axis=-1)  # never the empty set
            made["transfer"] = transfer
        return {name: value.astype("float32") for name, value in made.items()}

    return make


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of development data, ../shared or $LOMIT_SHARED; skips where there is none."""
    folder = Path(os.environ.get("LOMIT_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no development data at {folder}; set LOMIT_SHARED")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium for Playwright: the system's, or Playwright's own; skips where one of both is missing.

    Not for the whole session: an open Playwright keeps an event loop running, and asyncio.run refuses to start.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra dev)")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    with playwright.sync_playwright() as driver:
        found = found or driver.chromium.executable_path
        if not Path(found).exists():
            pytest.skip(f"no browser: looked for {', '.join(BROWSERS)} and for Playwright's own Chromium")
        # Chromium's sandbox does not run under root.
        arguments = ["--no-sandbox"] if os.name == "posix" and os.geteuid() == 0 else []
        launched = driver.chromium.launch(executable_path=found, args=arguments)
        yield launched
        launched.close()


@pytest.fixture
def uncompiled() -> Iterator[None]:
    """Steps that run operation by operation: for tests of a few steps, of which compiling would be most of the time."""
    from tests.helpers import eager

    with eager.uncompiled():
        yield


@pytest.fixture(scope="session")
def groups_workdir(tmp_path_factory, tiny) -> Path:
    """A workdir with random weights, of the groups hair and mouth."""
    from tests.helpers.serving import save_workdir

    config = tiny(groups="hair: Black_Hair; mouth: Smiling", dataset="drawn_faces", crop=0)
    return save_workdir(config, tmp_path_factory.mktemp("groups") / "run")


@pytest.fixture(scope="module")
def translator(groups_workdir, loaded_once) -> Any:
    """A Translator of `groups_workdir`. Modules that need another one define a `translator` of their own."""
    from lomit_tf.photos.translator import Translator

    return Translator(groups_workdir, log_notes=False)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def photo_folder(tmp_path, monkeypatch) -> Path:
    """The current folder: photos/ with three pictures, one of them in a sub-folder, and star.png."""
    from PIL import Image

    from lomit_tf.data.drawn_faces import draw

    monkeypatch.chdir(tmp_path)
    faces = draw(range(4)).images
    for name, face in zip(("photos/a.png", "photos/sub dir/b ü.png", "photos/c.jpg", "star.png"), faces, strict=True):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(face).save(name)
    return tmp_path


@pytest.fixture(scope="session")
def kept_weights() -> tuple[Callable[..., Any], Callable[..., Any]]:
    """`lomit_tf.load` and `inference.Inference`, which keep what they have made, for all modules of this process."""
    import lomit_tf
    from lomit_tf import inference

    return functools.cache(lomit_tf.load), functools.cache(inference.Inference)


@pytest.fixture(scope="module")
def loaded_once(kept_weights) -> Iterator[None]:
    """Translators in this process load and trace the same weights once, not each anew, which takes seconds.

    Everything else of a Translator is made anew for each of them.
    """
    import lomit_tf
    from lomit_tf import inference

    load, traced = kept_weights
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lomit_tf, "load", lambda name: load(os.path.abspath(name) if os.path.isdir(name) else name))
        patch.setattr(inference, "Inference", traced)
        yield


@pytest.fixture
def lomit(groups_workdir, capsys, loaded_once) -> Callable[..., tuple[int, str, str]]:
    """lomit(flags...): exit code, standard output and standard error of `lomit-translate` with a random model."""
    from lomit_tf import translate

    def call(*flags: str) -> tuple[int, str, str]:
        model = [] if any(flag.startswith("--model=") for flag in flags) else [f"--model={groups_workdir}"]
        code = translate.run([*model, *flags])
        return code, *capsys.readouterr()

    return call


@pytest.fixture(scope="session")
def served_workdir(tiny, tmp_path_factory) -> Path:
    """A workdir with random weights, of the groups hair and smile."""
    from tests.helpers.serving import save_workdir

    config = tiny(groups="hair: Black_Hair; smile: Smiling", system="recipe")
    return save_workdir(config, tmp_path_factory.mktemp("serve") / "two groups")


@pytest.fixture(scope="module")
def server(served_workdir, tmp_path_factory) -> Iterator[Any]:
    """`lomit-serve` as a process, with small limits. Fails the tests of a module where it logs a fault."""
    from tests.helpers.serving import serving

    log = tmp_path_factory.mktemp("log") / "server.log"
    limits = ("--max_body_mb=2", "--max_megapixels=0.5", "--max_queue=6", "--max_batch=4")
    with serving(served_workdir, log, "--name=tiny", *limits) as running:
        yield running
        assert "Traceback" not in log.read_text()
