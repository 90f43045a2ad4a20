"""The documentation: links, citations of equations, docstrings, and the site that `make docs` builds."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.quick

ROOT = Path(__file__).resolve().parents[2]
METHOD = ROOT / "docs" / "method.md"
# What readers of the repository do not have, in words that say so; [.] keeps the pattern from matching itself.
UNREADABLE = (
    r"\bspe[c]\b|\bsections? [0-9]|CODE[1]8|2018 [c]ode|the [p]ost\b|\bissue [0-9]|scratch [s]cript|of the [s]ession|"
    r"none was [l]ent|before this [r]epository"
)
# Python files that the documents name and that are not the project's.
FOREIGN = {"utils.py", "g_mask.py", "metadata_schema_py_generated.py", "tflite_support/__init__.py"}
ENDINGS = ["cfg", "config", "gradle", "html", "js", "json", "md", "npz", "properties", "sh", "txt"]
LINK = re.compile(r"\]\(([^)\s#]*)(?:#([^)\s]+))?\)")


@pytest.fixture(scope="module")
def site() -> ModuleType:
    """tools/docs_site.py."""
    found = importlib.util.spec_from_file_location("docs_site", ROOT / "tools" / "docs_site.py")
    assert found and found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def tracked(*patterns: str) -> list[Path]:
    answer = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, text=True)
    if answer.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in answer.stdout.split("\0") if name and (ROOT / name).is_file()]


def pages() -> list[Path]:
    return [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]


def anchors(page: Path) -> set[str]:
    """As GitHub and MkDocs make them of headings."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE):
        plain = re.sub(r"[`*]|\]\([^)]*\)|\[", "", heading)
        found.add(re.sub(r"[^\w\- ]", "", plain.lower()).strip().replace(" ", "-"))
    return found


def test_links_lead_to_files_and_headings():
    for page in pages():
        text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target, anchor in LINK.findall(text):
            if re.match(r"[a-z]+:", target):
                continue
            file = (page.parent / target).resolve() if target else page
            assert file.is_file(), f"{page.name}: {target}"
            if anchor:
                assert anchor in anchors(file), f"{page.name}: {target}#{anchor}"


def test_every_page_is_in_the_navigation():
    listed = set(re.findall(r": ([\w/]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE))
    here = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"} | {"decisions/README.md"}
    assert here <= listed
    on_github = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    assert here == set(re.findall(r"^\| \[[^]]+\]\(([\w/]+\.md)\) \|", on_github, re.MULTILINE))
    index = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    for record in (ROOT / "docs" / "decisions").glob("[0-9]*.md"):
        assert f"]({record.name})" in index, record.name


def test_documents_named_in_code_exist():
    for path in tracked("*.py", "*.cfg", "Makefile", "*.java"):
        for name in re.findall(r"\bdocs/[\w/]+\.md\b", path.read_text(encoding="utf-8")):
            assert (ROOT / name).is_file(), f"{path.relative_to(ROOT)} names {name}"


def modules() -> dict[str, str]:
    """Dotted name -> source of all Python modules and packages."""
    found = {}
    for path in tracked("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(encoding="utf-8")
    return found


def unknown_files(text: str, files: set[str]) -> list[str]:
    """Files `name.py` in backticks that do not exist, at the root or in a folder that the page names."""
    folders = {""}
    for path in re.findall(r"\w[\w.-]*(?:/[\w.-]+)*/?", text):
        parts = path.rstrip("/").split("/")
        folders |= {"/".join(parts[:n]) + "/" for n in range(1, len(parts) + 1)}
    names = {name for code in re.findall(r"`([^`\n]+)`", text) for name in re.findall(r"\w[\w./-]*\.py\b", code)}
    unknown = []
    for name in sorted(names - FOREIGN):
        if "/" in name:
            there = any(f"/{file}".endswith(f"/{name}") for file in files)
        else:
            there = any(folder + name in files for folder in folders)
        if not there:
            unknown.append(name)
    return unknown


def unknown_modules(text: str, sources: dict[str, str]) -> list[str]:
    """Dotted names, of the packages or in backticks, whose module or first attribute in the module does not exist."""
    dotted = re.findall(r"(?<![\w./-])(?:lomit_tf|export|benchmarks)(?:\.[A-Za-z_]\w*)+", text)
    dotted += re.findall(r"`([a-z_]\w*(?:\.[A-Za-z_]\w*)+)(?:\([^`]*\))?`", text)
    unknown = []
    for name in sorted({name for name in dotted if name.rsplit(".", 1)[1] not in [*ENDINGS, "py"]}):
        first, *rest = name.split(".")
        starts = [first] if first in sources else [m for m in sources if m.endswith(f".{first}")]
        known = not starts  # of another package
        for start in starts:
            inner, left = start, list(rest)
            while left and f"{inner}.{left[0]}" in sources:
                inner = f"{inner}.{left.pop(0)}"
            known |= not left or bool(re.search(rf"\b{left[0]}\b", sources.get(inner, "")))
        if not known:
            unknown.append(name)
    return unknown


def test_modules_named_in_documents_exist():
    files, sources = {str(path.relative_to(ROOT)) for path in tracked("*.py")}, modules()
    for page in pages():
        if page.name == "CHANGELOG.md":  # which names what was there
            continue
        text = page.read_text(encoding="utf-8")
        assert not unknown_files(text, files), page.name
        assert not unknown_modules(text, sources), page.name


def test_the_check_of_module_names_sees_what_is_missing():
    files = {"setup.py", "a/b/page.py", "c/b/page.py", "c/serving.py"}
    assert unknown_files("`a/b/`: `page.py`, `b/page.py`, `setup.py`, `b/none.py`", files) == ["b/none.py"]
    assert unknown_files("`a/b/`: `page.py` and `serving.py`, of page.py", files) == ["serving.py"]
    sources = {"lomit_tf": "load = 1", "lomit_tf.zoo": "DEFAULT = 2", "export": "", "export.parity": ""}
    text = "`lomit_tf.load(x)` `zoo.DEFAULT` `zoo.NONE` `np.abs` python -m export.parity export.json lomit_tf.zoo.names"
    assert unknown_modules(text, sources) == ["lomit_tf.zoo.names", "zoo.NONE"]


def equations() -> list[str]:
    return re.findall(r"\\tag\{([0-9]+\.[0-9]+)\}", METHOD.read_text(encoding="utf-8"))


def test_equations_have_one_number_each_of_their_section():
    numbers = equations()
    assert len(numbers) == len(set(numbers)) > 50
    for section in re.split(r"^## ", METHOD.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        for number in re.findall(r"\\tag\{([0-9]+)\.", section):
            assert section.startswith(f"{number} "), section[:40]


def test_cited_equations_exist():
    numbers, cited = set(equations()), 0
    for path in [*tracked("*.py", "*.cfg"), *pages()]:
        for many in re.findall(
            r"\beqs?\. ((?:\([0-9]+\.[0-9]+\)(?:, | and | to )?)+)", path.read_text(encoding="utf-8")
        ):
            for number in re.findall(r"[0-9]+\.[0-9]+", many):
                assert number in numbers, f"{path.relative_to(ROOT)} cites eq. ({number})"
                cited += 1
    for number in re.findall(r"\(([0-9]+\.[0-9]+)\)", METHOD.read_text(encoding="utf-8")):
        assert number in numbers, f"docs/method.md cites ({number})"
    assert cited > 30


def test_nothing_cites_what_readers_do_not_have():
    found = []
    for path in tracked():
        if path == METHOD or path.suffix in {".jpg", ".png", ".npz", ".tflite"}:
            continue
        for line, text in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if re.search(UNREADABLE, text):
                found.append(f"{path.relative_to(ROOT)}:{line}: {text.strip()[:80]}")
    assert not found


def test_everything_public_has_a_docstring(site):
    assert site.missing_docstrings() == []


def test_the_check_of_docstrings_sees_what_is_missing(site):
    source = 'class A:\n    """A."""\n    def b(self): ...\n    def _c(self): ...\ndef d():\n    def e(): ...\n'
    assert list(site.undocumented(source)) == [("", 1), ("A.b", 3), ("d", 5)]
    assert list(site.undocumented('"""M."""\nclass _P:\n    def q(self): ...\nasync def f(): "F."\n')) == []


def test_formulas_become_mathml(site):
    pytest.importorskip("latex2mathml", reason="latex2mathml is not installed (extra docs)")
    shown = site.mathml(r"R_2 = \sum_g m_g &lt; 1 \tag{5.11}", block=True)
    for part in ("<math", "&#x0003C;", '<span id="eq-5.11">(5.11)</span>'):
        assert part in shown
    assert r"\tag" not in shown
    assert "equation" not in site.mathml("x_1", block=False)
    with pytest.raises(ValueError, match="nonsense"):
        site.mathml(r"\nonsense{x}", block=True)


def test_links_out_of_docs_become_pages_of_the_site(site):
    text = "[a](../configs/celeba.cfg) [b](method.md#3-masks) [c](https://x.org/a.md) [d](../none.md)"
    assert site.from_root(text, "docs") == (
        "[a](source/configs/celeba.cfg) [b](method.md#3-masks) [c](https://x.org/a.md) [d](../none.md)"
    )
    assert site.from_root("[a](../../README.md)", "docs/decisions") == "[a](../index.md)"
    assert site.from_root("[a](docs/app.md)", "") == "[a](app.md)"
    assert site.linked_outside(text, "docs") == {"configs/celeba.cfg"}


def mkdocs(folder: Path, out: Path) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("material", reason="mkdocs-material is not installed (extra docs)")
    pytest.importorskip("mkdocstrings", reason="mkdocstrings is not installed (extra docs)")
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(out)],
        cwd=folder, capture_output=True, text=True, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path):
    run = mkdocs(ROOT, tmp_path / "site")
    assert run.returncode == 0, run.stderr
    home = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "LOMIT transfers an attribute" in home
    method = (tmp_path / "site" / "method.html").read_text(encoding="utf-8")
    assert method.count('class="equation"') == len(equations())
    reference = (tmp_path / "site" / "api" / "lomit_tf.photos.translator.html").read_text(encoding="utf-8")
    assert "Translator" in reference and "set_exemplar" in reference
    for page in (tmp_path / "site").rglob("*.html"):  # what a reader's browser loads comes from the site itself
        loaded = re.findall(
            r'<(?:script|link|img)[^>]+(?:src|href)="(https?://[^"]+)"', page.read_text(encoding="utf-8")
        )
        assert not [address for address in loaded if "canonical" not in address], page


@pytest.mark.slow
def test_a_broken_link_and_a_missing_docstring_fail_the_build(tmp_path):
    """A small checkout with the project's own mkdocs.yml and hooks."""
    for name in ("mkdocs.yml", "tools/docs_site.py", "CONTRIBUTING.md", "CHANGELOG.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("CONTRIBUTING.md", "CHANGELOG.md", "README.md"):
        (tmp_path / name).write_text(f"# {name}\n")
    pages = re.findall(r"(?m): ([\w/]+\.md)$", (ROOT / "mkdocs.yml").read_text())
    for name in pages:
        if not name.startswith(("index", "source/")):
            (tmp_path / "docs" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "docs" / name).write_text("# Page\n")
    for package in ("lomit_tf", "export"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text('"""A package."""\n')
    assert (good := mkdocs(tmp_path, tmp_path / "site")).returncode == 0, good.stderr

    (tmp_path / "docs" / "data.md").write_text("# Data\n\n[gone](../configs/gone.cfg) [lost](method.md#9-lost)\n")
    (tmp_path / "export" / "tables.py").write_text('"""Tables."""\n\n\ndef table():\n    return 1\n')
    run = mkdocs(tmp_path, tmp_path / "site")
    assert run.returncode != 0
    for said in ("gone.cfg", "#9-lost", "export/tables.py:4: table has no docstring", "3 warnings"):
        assert said in run.stderr + run.stdout, run.stderr + run.stdout
