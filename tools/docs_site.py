"""Hooks of MkDocs for the documentation's site (mkdocs.yml), and the check of docstrings.

Four things that MkDocs does not do itself:

- the home page is README.md, so that it is written once;
- files outside of docs/ that a page links to (flagfiles, model cards) become part of the site, under source/;
- every public module of lomit_tf and export gets a page of the API reference;
- formulas become MathML when the site is built, so that its pages load no script from another server.

A public module, class or function without a docstring is a warning, and a warning fails the build.
"""

from __future__ import annotations

import ast
import html
import logging
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("lomit_tf", "export")
OUTSIDE = "source"  # the folder of the site for files outside of docs/
EXTRA_PAGES = ("CONTRIBUTING.md", "CHANGELOG.md")
LINK = re.compile(r"(\]\()([^)\s#]+)(#[^)\s]*)?(\))")
FORMULA = re.compile(r'<(div|span) class="arithmatex">\\[\[(](.*?)\\[\])]</\1>', re.DOTALL)
TAG = re.compile(r"\\tag\{([^}]*)\}")

log = logging.getLogger("mkdocs.hooks.docs_site")


# Docstrings.


def undocumented(source: str) -> Iterator[tuple[str, int]]:
    """Name and line of the public classes, functions and methods of a module that lack a docstring, and "" for itself.

    Public is what has no leading underscore; what stands within a function is not.
    """
    tree = ast.parse(source)
    if not ast.get_docstring(tree):
        yield "", 1
    yield from _undocumented_in(tree, "")


def _undocumented_in(node: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, int]]:
    for child in node.body:
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or child.name.startswith("_"):
            continue
        if not ast.get_docstring(child):
            yield prefix + child.name, child.lineno
        if isinstance(child, ast.ClassDef):
            yield from _undocumented_in(child, f"{prefix}{child.name}.")


def modules() -> dict[str, Path]:
    """Dotted name -> file of every public module of the packages."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            if not any(part.startswith("_") for part in parts):
                found[".".join(parts)] = path
    return found


def missing_docstrings() -> list[str]:
    """FILE:LINE: NAME of everything public without a docstring."""
    return [
        f"{path.relative_to(ROOT).as_posix()}:{line}: {name or 'the module'} has no docstring"
        for path in modules().values()
        for name, line in undocumented(path.read_text(encoding="utf-8"))
    ]


# Links out of docs/.


def from_root(text: str, folder: str) -> str:
    """Markdown with its relative links into the checkout rewritten to where the site has them.

    Args:
        text: of a file in `folder`.
        folder: relative to the root, "" for the root itself, which is the site's home.

    Links to docs/ stay within the site; everything else that exists is looked for under source/.
    """

    def place(match: re.Match[str]) -> str:
        before, target, anchor, after = match[1], match[2], match[3] or "", match[4]
        if re.match(r"[a-z]+:|/", target):
            return match[0]
        path = posixpath.normpath(posixpath.join(folder, target))
        here = folder.removeprefix("docs").strip("/")
        if path.startswith("docs/") or path == "README.md":
            new = posixpath.relpath("index.md" if path == "README.md" else path.removeprefix("docs/"), here or ".")
        elif (ROOT / path).is_file():
            new = posixpath.relpath(f"{OUTSIDE}/{path}", here or ".")
        else:
            return match[0]  # MkDocs says that it is broken
        return f"{before}{new}{anchor}{after}"

    return LINK.sub(place, text)


def linked_outside(text: str, folder: str) -> set[str]:
    """The files outside of docs/, relative to the root, that Markdown in `folder` links to."""
    targets = (posixpath.normpath(posixpath.join(folder, match[2])) for match in LINK.finditer(text))
    return {path for path in targets if not path.startswith("docs/") and (ROOT / path).is_file()}


def _pages_outside() -> set[str]:
    """Files outside of docs/ that the site needs, found by following links from README.md and docs/."""
    done: set[str] = set()
    sources = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / name for name in EXTRA_PAGES)]
    waiting = set(EXTRA_PAGES).union(*(linked_outside(_read(path), _folder(path)) for path in sources))
    while waiting:
        name = waiting.pop()
        done.add(name)
        if name.endswith(".md"):
            waiting |= linked_outside(_read(ROOT / name), posixpath.dirname(name)) - done
    return done - {"README.md"}


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _folder(path: Path) -> str:
    return "" if path.parent == ROOT else path.parent.relative_to(ROOT).as_posix()


# MkDocs' events.


def on_config(config: Any) -> Any:
    """Add the API reference to the navigation; warn of what has no docstring."""
    for line in missing_docstrings():
        log.warning(line)
    config.nav.append({"API reference": _api_navigation(modules())})
    return config


def _api_navigation(found: dict[str, Path]) -> list[Any]:
    """A folder for each package, with its modules."""
    folders: dict[str, list[Any]] = {}
    for name, path in found.items():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        folders.setdefault(package, []).append({name: f"api/{name}.md"})
    return [{package: pages} for package, pages in folders.items()]


def on_files(files: Any, config: Any) -> Any:
    """Add the home page, the pages of the API reference, and the files outside of docs/."""
    from mkdocs.structure.files import File

    def add(name: str, content: str | bytes) -> None:
        files.append(File.generated(config, name, content=content))

    add("index.md", from_root(_read(ROOT / "README.md"), ""))
    for name in modules():
        add(f"api/{name}.md", f"# {name}\n\n::: {name}\n")
    for name in _pages_outside():
        if name.endswith(".md"):
            folder = posixpath.dirname(name)
            text = from_root(_read(ROOT / name), folder)
            add(f"{OUTSIDE}/{name}", _moved(text, folder))
        else:
            add(f"{OUTSIDE}/{name}", (ROOT / name).read_bytes())
    return files


def _moved(text: str, folder: str) -> str:
    """Links of a page that itself lies under source/: relative to the site's root -> relative to the page."""
    up = posixpath.relpath(".", posixpath.join(OUTSIDE, folder))

    def place(match: re.Match[str]) -> str:
        if re.match(r"[a-z]+:|/", match[2]):
            return match[0]
        target = posixpath.normpath(posixpath.join(folder, match[2]))
        return f"{match[1]}{posixpath.join(up, target)}{match[3] or ''}{match[4]}"

    return LINK.sub(place, text)


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Point links out of docs/ to their copies in the site."""
    if page.file.generated_by:
        return markdown
    return from_root(markdown, posixpath.join("docs", posixpath.dirname(page.file.src_uri)).rstrip("/"))


def on_page_content(html: str, page: Any, config: Any, files: Any) -> str:
    """Formulas become MathML; one that cannot be read fails the build."""
    return FORMULA.sub(lambda match: mathml(match[2], block=match[1] == "div"), html)


def mathml(formula: str, *, block: bool) -> str:
    """A formula of LaTeX, as HTML holds it, as MathML; \\tag{3.1} becomes the number at its right.

    Raises ValueError for a command that the converter does not know.
    """
    from latex2mathml import converter

    text = html.unescape(formula).strip()
    tag = TAG.search(text)
    converted = converter.convert(TAG.sub("", text), display="block" if block else "inline")
    unknown = re.search(r"\\[A-Za-z]+", converted)
    if unknown:
        raise ValueError(f"{unknown[0]} is not known to latex2mathml, in {text}")
    if not block:
        return converted
    number = f'<span id="eq-{tag[1]}">({tag[1]})</span>' if tag else ""
    return f'<div class="equation">{converted}{number}</div>'
