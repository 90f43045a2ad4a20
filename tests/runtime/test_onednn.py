"""oneDNN is on by default on x86, and the environment decides where it says something."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

CODE = """
from lomit_tf.runtime.onednn import prefer_onednn
prefer_onednn()
import tensorflow
from tensorflow.python.util import _pywrap_util_port
print(_pywrap_util_port.IsMklEnabled())
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="oneDNN is left as it is on other processors")
@pytest.mark.parametrize(("given", "used"), [(None, "True"), ("0", "False")])
def test_tensorflow_uses_onednn(given, used):
    environment = {name: value for name, value in os.environ.items() if name != "TF_ENABLE_ONEDNN_OPTS"}
    environment |= {"TF_ENABLE_ONEDNN_OPTS": given} if given else {}
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == used
