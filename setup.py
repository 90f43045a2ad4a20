"""Packaging of lomit_tf. Everything that the project needs is declared here, once.

`constraints.txt` holds the exact versions that were tested together; `make lock` rewrites it from this file.
Why each package is there: `docs/dependencies.md`.
"""

from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent

INSTALL_REQUIRES = [
    "tensorflow>=2.21,<2.22",
    "keras>=3.15,<3.16",
    "tensorflow-datasets>=4.9.10,<4.10",
    # TFDS' own builders import it when they prepare a data set, and TFDS does not declare it.
    "importlib_resources>=6",
    # Whether the host of a download answers, asked before TFDS tries for minutes; TFDS brings it too.
    "requests>=2.32,<3",
    "absl-py>=2.5,<3",
    "numpy>=2.1,<3",
    "pillow>=11,<13",
    # Guided filters (cv2.ximgproc, which is in contrib), affine maps, 16-bit PNG and TIFF.
    "opencv-contrib-python-headless>=4.12,<5",
    # Runs the shipped models without TensorFlow, and the face detector's two networks; the export extra checks
    # TFLite files with it.
    "ai-edge-litert>=2.3,<2.4",
    "rich>=14,<16",
    # tf.summary.scalar and tf.summary.image are implemented there, and TensorFlow no longer brings it along.
    "tensorboard>=2.20,<3",
]

EXTRAS_REQUIRE = {
    # Training on NVIDIA GPUs: the same TensorFlow, with the CUDA libraries beside it.
    "gpu": ["tensorflow[and-cuda]>=2.21,<2.22; sys_platform == 'linux'"],
    # Training on JAX (KERAS_BACKEND=jax), on any GPU or TPU that JAX has wheels for; this one is for the CPU.
    # jax[cuda12], jax[cuda13] or jax[tpu] beside it bring the accelerator's.
    "jax": ["jax>=0.10,<0.11"],
    # SavedModel -> TFLite and ONNX, and the runtimes that check the results.
    "export": [
        "ai-edge-quantizer>=0.10,<0.11",
        "flatbuffers>=25",
        "onnx>=1.18,<2",
        "onnxruntime>=1.32,<1.33",
        "tf2onnx>=1.17,<1.18",
    ],
    # Reports and user studies: `python -m lomit_tf.evaluate`, `python -m lomit_tf.user_study`.
    "evaluate": ["jinja2>=3.1,<4", "matplotlib>=3.10,<4", "pydantic>=2.12,<3", "scipy>=1.17,<2"],
    # HEIC and HEIF, as phones write them. Its wheels are GPL-2.0 as a whole, so that it is not installed unasked.
    "photos": ["pillow-heif>=1.1,<2"],
    # The browser application.
    "app": ["gradio>=6,<7"],
    # The server: `python -m lomit_tf.serve`.
    "serve": ["orjson>=3.11,<4", "prometheus-client>=0.23,<1", "starlette>=1.0,<2", "uvicorn>=0.40,<1"],
    # Preparing large TFDS data sets in parallel.
    "beam": ["apache-beam>=2.77,<2.78"],
    # The documentation's site: `make docs`.
    "docs": ["latex2mathml>=3.80,<4", "mkdocs-material>=9.7,<10", "mkdocstrings[python]>=1.0,<2"],
    # Tests and checks.
    "dev": [
        "build>=1.3",
        # Photographs of every kind, and their faults, made at random: `make fuzz`.
        "hypothesis>=6.140,<7",
        # Runs notebooks/quickstart.ipynb in the tests, with a kernel.
        "ipykernel>=7,<8",
        "nbmake>=1.5.5,<2",
        "mypy>=1.19",
        # The user study's page in a real browser; the browser itself is the system's.
        "playwright>=1.65,<2",
        "pytest>=9,<10",
        "pytest-xdist>=3.8,<4",
        "ruff>=0.15",
    ],
}

setup(
    name="lomit_tf",
    version="0.1.0",
    description="LOMIT: local-mask-based, exemplar-guided image-to-image translation on Keras 3",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license_expression="Apache-2.0",
    license_files=["LICENSE"],
    keywords="image-to-image translation GAN exemplar mask TensorFlow Keras",
    python_requires=">=3.11,<3.14",
    install_requires=INSTALL_REQUIRES,
    extras_require=EXTRAS_REQUIRE,
    # The flagfiles live in configs/ in the checkout and travel in the wheel as lomit_tf/configs/.
    packages=[
        *find_packages(include=["lomit_tf", "lomit_tf.*", "export", "export.*"]),
        "lomit_tf.configs",
    ],
    package_dir={"lomit_tf.configs": "configs"},
    package_data={
        "lomit_tf": ["py.typed", "samples/*", "weights/*/*"],
        "lomit_tf.configs": ["*.cfg"],
        "lomit_tf.evaluation.templates": ["*.html", "*.md"],
        "lomit_tf.imaging": ["face_models/*"],
        "lomit_tf.webapp": ["*.css", "*.html", "*.js"],
    },
    entry_points={
        "console_scripts": [
            "lomit-train = lomit_tf.train:run",
            "lomit-app = lomit_tf.app:run",
            "lomit-compare = lomit_tf.compare:run",
            "lomit-compare-all = lomit_tf.compare_all:run",
            "lomit-convert-run = lomit_tf.convert_run:run",
            "lomit-demo = lomit_tf.demo:run",
            "lomit-distill = lomit_tf.distill:run",
            "lomit-evaluate = lomit_tf.evaluate:run",
            "lomit-join = lomit_tf.join:run",
            "lomit-pack = lomit_tf.pack:run",
            "lomit-find-movements = lomit_tf.find_movements:run",
            "lomit-refine-masks = lomit_tf.refine_masks:run",
            "lomit-serve = lomit_tf.serve:run",
            "lomit-teach-masks = lomit_tf.teach_masks:run",
            "lomit-teach-movements = lomit_tf.teach_movements:run",
            "lomit-train-classifier = lomit_tf.train_classifier:run",
            "lomit-translate = lomit_tf.translate:run",
            "lomit-user-study = lomit_tf.user_study:run",
        ]
    },
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Operating System :: MacOS :: MacOS X",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Scientific/Engineering :: Image Processing",
    ],
)
