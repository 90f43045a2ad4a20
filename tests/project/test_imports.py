"""No two modules of the package import each other, however far around, and no two rooms do when they are imported."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("lomit_tf", "export")

pytestmark = pytest.mark.quick


class Import(NamedTuple):
    """One import of a module of ours by another."""

    importer: str
    imported: str
    line: int
    when_imported: bool  # and not later, within a function, or never, for type checking alone

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported}"


def sources(folder: Path) -> dict[str, Path]:
    """Dotted name -> file of the modules of the packages in a folder."""
    found = {}
    for package in PACKAGES:
        for path in (folder / package).rglob("*.py"):
            parts = path.relative_to(folder).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def statements(node: ast.AST, when_imported: bool = True) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Every import below a node, and whether it is carried out when the module is imported."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, when_imported
        function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        types_alone = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        yield from statements(child, when_imported and not function and not types_alone)


def imports(modules: Mapping[str, Path]) -> list[Import]:
    """Every import of one of these modules by another, the packages around a module left out."""
    found = []
    for name, path in modules.items():
        for statement, when_imported in statements(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(statement, ast.Import):
                targets = [alias.name for alias in statement.names]
            else:
                assert not statement.level, f"{path}:{statement.lineno}: a relative import"
                origin = str(statement.module)
                targets = [f"{origin}.{alias.name}" for alias in statement.names]
                targets = [one if one in modules else origin for one in targets]
            found += [
                Import(name, one, statement.lineno, when_imported) for one in targets if one in modules and one != name
            ]
    return found


def room(module: str) -> str:
    """The package below lomit_tf that a module lies in; a module at the top of lomit_tf is a room of its own."""
    parts = module.split(".")
    return parts[0] if parts[0] != "lomit_tf" else ".".join(parts[:2])


def circles(edges: Iterable[tuple[str, str]]) -> list[set[str]]:
    """The largest sets of nodes in which each is reached from each other."""
    after: dict[str, set[str]] = {}
    for start, end in edges:
        after.setdefault(start, set()).add(end)

    def reached(start: str) -> set[str]:
        seen, waiting = set(), [start]
        while waiting:
            new = after.get(waiting.pop(), set()) - seen
            seen |= new
            waiting += new
        return seen

    every = {node: reached(node) for node in after}
    found: list[set[str]] = []
    for node, others in every.items():
        circle = {other for other in others if node in every.get(other, ())}
        if circle and circle not in found:
            found.append(circle)
    return found


def named(circle: set[str], found: Iterable[Import], place: Mapping[str, str]) -> str:
    """The imports that make a circle, one a line."""
    return "\n".join(
        str(one)
        for one in sorted(found)
        if {place[one.importer], place[one.imported]} <= circle and place[one.importer] != place[one.imported]
    )


def check(folder: Path) -> list[str]:
    """What is wrong in a folder with the packages: for each circle the imports that make it."""
    modules = sources(folder)
    found = imports(modules)
    itself = {name: name for name in modules}
    rooms = {name: room(name) for name in modules}
    at_once = [one for one in found if one.when_imported and rooms[one.importer] != rooms[one.imported]]
    wrong = [
        f"circle of modules:\n{named(circle, found, itself)}"
        for circle in circles((one.importer, one.imported) for one in found)
    ]
    return wrong + [
        f"circle of rooms:\n{named(circle, at_once, rooms)}"
        for circle in circles((rooms[one.importer], rooms[one.imported]) for one in at_once)
    ]


def test_the_package_has_no_import_circles():
    wrong = check(ROOT)
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a.py": "from lomit_tf import b", "b.py": "def f():\n    from lomit_tf.a import x"},
         ["circle of modules:\nlomit_tf.a:1 imports lomit_tf.b\nlomit_tf.b:2 imports lomit_tf.a"]),
        ({"a/x.py": "import lomit_tf.b.x", "b/x.py": "from lomit_tf.b.y import z", "b/y.py": "import lomit_tf.a.x"},
         ["of modules", "of rooms"]),
        ({"a/x.py": "import lomit_tf.b.x", "b/x.py": "", "b/y.py": "from lomit_tf.a import z", "a/z.py": ""},
         ["circle of rooms:\nlomit_tf.a.x:1 imports lomit_tf.b.x\nlomit_tf.b.y:1 imports lomit_tf.a.z"]),
        ({"a/x.py": "import lomit_tf.b.x", "b/x.py": "", "a/z.py": "",
          "b/y.py": "if TYPE_CHECKING:\n    import lomit_tf.a.z\ndef f():\n    import lomit_tf.a.z"}, []),
    ],
    ids=["within a function", "modules", "rooms alone", "rooms within functions"],
)  # fmt: skip
def test_a_circle_is_found_and_named(files, words, tmp_path):
    for name, text in files.items():
        path = tmp_path / "lomit_tf" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    wrong = "\n".join(check(tmp_path))
    assert bool(wrong) == bool(words)
    assert all(word in wrong for word in words), wrong
