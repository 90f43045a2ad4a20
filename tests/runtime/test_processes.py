"""Translators in other processes: a fork after TensorFlow has worked is told at once; spawn and pickle work."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lomit_tf.data.drawn_faces import draw

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 240  # seconds, for a process that should end by itself

FORKED = """
import multiprocessing, sys
import numpy as np
from lomit_tf import Translator
import lomit_tf

def use(translator): return translator.translate(np.zeros((64, 64, 3), np.uint8)).image.shape
def masks(translator): return translator.masks(np.zeros((64, 64, 3), np.uint8))
def load(translator): return lomit_tf.load("drawn_faces") and "loaded"
def make(translator): return Translator("drawn_faces") and "made"
def wrap(translator): return Translator(translator.inference.model) and "wrapped"
def encode(translator): return translator.inference.masks(np.zeros((1, 64, 64, 3), np.float32))
def build(translator):
    from lomit_tf.model import Lomit
    return Lomit(translator.inference.model.config)

class Given:
    pass

def call(name, queue):
    try:
        queue.put((name, repr(globals()[name](Given.translator))))
    except BaseException as error:
        queue.put((name, f"{type(error).__name__}: {error}"))

Given.translator = Translator("drawn_faces", engine="tensorflow")
Given.translator.set_exemplar(np.full((64, 64, 3), 90, np.uint8))
fork = multiprocessing.get_context("fork")
queue = fork.SimpleQueue()
for name in sys.argv[1:]:
    worker = fork.Process(target=call, args=(name, queue))
    worker.start()
    worker.join(20)
    if worker.is_alive():
        worker.kill()
        print(name, "hangs")
    else:
        print(*queue.get())
print("parent", use(Given.translator))
"""

# A program that has worked with TensorFlow, and children that are the first to import lomit_tf.
LATER = """
import os, sys, threading, time
import keras
import numpy as np
keras.Sequential([keras.layers.Dense(2)])(np.ones((1, 3)))

def make():
    from lomit_tf import Translator
    return Translator("drawn_faces").groups
def load():
    import lomit_tf
    return lomit_tf.load("drawn_faces") and "loaded"
def build():
    from lomit_tf.config import LomitConfig
    from lomit_tf.model import Lomit
    return Lomit(LomitConfig()) and "built"
def unpickle():
    import pickle
    return pickle.loads(bytes.fromhex(sys.argv[1])).translate(np.zeros((64, 64, 3), np.uint8)).image.shape
def command():
    from lomit_tf import translate
    os.dup2(1, 2)
    return translate.run(["--model=drawn_faces", "--input=a.png", "--colour=black", "--output=b.png"])
def with_a_thread():  # the program's own threads are no threads of TensorFlow
    threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
    return make()
def grandchild():
    child = os.fork()
    if not child:
        answer(make)
    return os.waitpid(child, 0) and "told"

def answer(task):
    try:
        print(task.__name__, repr(task()), flush=True)
    except BaseException as error:
        print(task.__name__, type(error).__name__ + ":", error, flush=True)
    os._exit(0)

for task in (make, load, build, unpickle, command, with_a_thread, grandchild):
    child = os.fork()
    if not child:
        answer(task)
    for _ in range(200):
        if os.waitpid(child, os.WNOHANG)[0]:
            break
        time.sleep(0.1)
    else:
        os.kill(child, 9)
        print(task.__name__, "hangs", flush=True)
"""
# TensorFlow was imported before these forks, and not started: nothing is lost, and no child may be told that it is.
FINE = """
import os
import tensorflow as tf

def work(name):
    tf.constant(1.0) + 1  # a child starts TensorFlow by itself; lomit_tf may be imported before that or after
    from lomit_tf import Translator
    print(name, Translator("drawn_faces", engine="tensorflow").groups, flush=True)

def forked(name):
    child = os.fork()
    if not child:
        work(name)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0

forked("lomit_tf after the fork")
import keras, lomit_tf.photos.translator
forked("lomit_tf before the fork")
work("no fork")
"""

# TensorFlow 1's sessions start the same threads without the eager runtime.
SESSION = """
import os
import tensorflow as tf
with tf.Graph().as_default(), tf.compat.v1.Session() as session:
    session.run(tf.constant(1) + 1)
import lomit_tf
if not os.fork():
    try:
        lomit_tf.load("drawn_faces")
    except lomit_tf.runtime.forks.ForkedError as error:
        print(error, flush=True)
    os._exit(0)
os.wait()
"""

SPAWNED = """
import concurrent.futures, multiprocessing
import numpy as np
from lomit_tf import Translator
from lomit_tf.data.drawn_faces import draw

def work(translator, face):
    return translator.translate(face).image

if __name__ == "__main__":
    faces = draw(range(2)).images
    translator = Translator("drawn_faces", crop="none")
    translator.set_exemplar(faces[1])
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        far = pool.submit(work, translator, faces[0]).result()
    print(np.abs(far.astype(int) - work(translator, faces[0])).max())
"""


def run(code: str, tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "script.py"
    script.write_text(code)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run(
        [sys.executable, str(script), *arguments], env=environment, capture_output=True, text=True, timeout=LIMIT
    )


need_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@pytest.mark.slow
@need_fork
def test_a_forked_child_is_told_at_once_whatever_it_does(tmp_path):
    names = ("use", "masks", "load", "make", "wrap", "encode", "build")
    shown = run(FORKED, tmp_path, *names)
    lines = dict(line.split(" ", 1) for line in shown.stdout.splitlines())
    assert set(lines) == {*names, "parent"}, shown.stderr
    for name in names:
        assert lines[name].startswith("ForkedError: process "), lines
        assert "spawn" in lines[name] and "--runner=beam" in lines[name]
    assert lines["parent"] == "(64, 64, 3)"  # the parent goes on as before


@pytest.mark.slow
@need_fork
def test_a_child_that_imports_us_first_is_told_as_well(groups_workdir, tmp_path):
    from lomit_tf import Translator

    pickled = pickle.dumps(Translator(groups_workdir)).hex()
    shown = run(LATER, tmp_path, pickled)
    lines = dict(line.split(" ", 1) for line in shown.stdout.splitlines())
    told = {name: line for name, line in lines.items() if name not in ("command", "lomit-translate:", "grandchild")}
    assert set(told) == {"make", "load", "build", "unpickle", "with_a_thread"}, shown
    for line in told.values():
        assert line.startswith("ForkedError: process ") and "spawn" in line and "--runner=beam" in line, lines
    assert "spawn" in lines["lomit-translate:"] and lines["command"] == "1"
    assert lines["grandchild"] == "'told'"


@pytest.mark.slow
@need_fork
def test_a_fork_before_tensorflow_has_worked_is_fine(tmp_path):
    shown = run(FINE, tmp_path)
    names = ("lomit_tf after the fork", "lomit_tf before the fork", "no fork")
    assert (shown.returncode, shown.stdout.splitlines()) == (0, [f"{n} ('hair', 'smile')" for n in names]), shown.stderr


@pytest.mark.slow
@need_fork
def test_a_session_of_tensorflow_1_counts_as_well(tmp_path):
    shown = run(SESSION, tmp_path)
    assert "was forked after TensorFlow had worked" in shown.stdout, shown


@pytest.mark.slow
def test_a_spawned_worker_takes_a_pickled_translator(tmp_path):
    shown = run(SPAWNED, tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert int(shown.stdout) <= 1


def test_pickle_keeps_name_settings_and_exemplar(groups_workdir, monkeypatch, tmp_path):
    from lomit_tf import Translator

    face, star = draw(range(2)).images
    monkeypatch.chdir(groups_workdir.parent)
    first = Translator(groups_workdir.name, crop="none", log_notes=False)
    first.set_exemplar(star)
    monkeypatch.chdir(tmp_path)  # where the relative path leads nowhere
    again = pickle.loads(pickle.dumps(first))
    assert (again.crop, again.log_notes, again.groups) == ("none", False, first.groups)
    np.testing.assert_array_equal(again.translate(face).image, first.translate(face).image)
    assert pickle.loads(pickle.dumps(Translator("drawn_faces"))).exemplar is None


def test_a_translator_without_a_name_says_why_it_cannot_be_pickled(groups_workdir):
    import lomit_tf

    with pytest.raises(TypeError, match=r"made from a Lomit object and cannot be pickled; make it from a name"):
        pickle.dumps(lomit_tf.Translator(lomit_tf.load(groups_workdir)))
