# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The order of the house: who may import whom, and what nobody imports before it is needed."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import unimo_hf

PACKAGE = Path(__file__).resolve().parents[1] / "unimo_hf"

# A folder imports only from those before it.
ORDER = ["model", "metrics", "motion", "video", "decoding", "pipelines", "data", "training", "evaluation", "cli"]

# Heavy, optional, or not needed by every user: never loaded by importing a public name or by `unimo --help`.
LAZY = {"accelerate", "av", "datasets", "diffusers", "numba", "smplx"}
FORBIDDEN = {"torchvision", "pytorch3d", "detectron2", "chumpy", "decord", "joblib", "dill"}

SOURCES = sorted(PACKAGE.rglob("*.py"))


def imports(tree: ast.AST, at_import_time: bool) -> Iterator[tuple[int, str, list[str]]]:
    """Level (number of dots), module and names of every import; with `at_import_time` those that run on import."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or "", [alias.name for alias in node.names]
        elif at_import_time and (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
        ):
            continue
        else:
            yield from imports(node, at_import_time)


def absolute_targets(source: Path, level: int, module: str, names: list[str]) -> Iterator[list[str]]:
    """What an import inside the package means, as parts below `unimo_hf` (`["model", "tasks"]`)."""
    if level == 0:
        if module.split(".")[0] == "unimo_hf":
            yield module.split(".")[1:]
        return
    folder = source.relative_to(PACKAGE).parent.parts
    base = list(folder[: len(folder) - (level - 1)])
    if module:
        yield base + module.split(".")
    else:
        yield from ([*base, name] for name in names)


def test_the_order_names_every_folder():
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert folders == set(ORDER)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports(source):
    tree = ast.parse(source.read_text(encoding="utf-8"))
    place = source.relative_to(PACKAGE).parts
    for level, module, names in imports(tree, at_import_time=False):
        root = module.split(".")[0]
        assert level > 0 or root not in FORBIDDEN, f"{module} is not used in this project"
        if len(place) == 1:
            continue
        for target in absolute_targets(source, level, module, names):
            if target and target[0] in ORDER:
                message = f"{place[0]} must not import from {target[0]}"
                assert ORDER.index(target[0]) <= ORDER.index(place[0]), message


def files_of(target: list[str]) -> Iterator[Path]:
    """The file of a module or package, given as parts below `unimo_hf`, and those of the packages around it."""
    for length in range(len(target) + 1):
        path = PACKAGE.joinpath(*target[:length])
        yield from (file for file in (path.with_suffix(".py"), path / "__init__.py") if file.exists())


def loaded_with(source: Path) -> set[Path]:
    """Every file of the package that importing one of them loads."""
    waiting, loaded = [source], set()
    while waiting:
        file = waiting.pop()
        if file in loaded:
            continue
        loaded.add(file)
        for level, module, names in imports(ast.parse(file.read_text(encoding="utf-8")), at_import_time=True):
            for target in absolute_targets(file, level, module, names):
                waiting.extend(files_of(target))
    return loaded


@pytest.mark.parametrize("entrance", [*sorted(set(unimo_hf._MODULES.values())), "cli.app", "registration"])
def test_public_names_load_nothing_heavy(entrance):
    for file in loaded_with(PACKAGE.joinpath(*entrance.split(".")).with_suffix(".py")):
        for level, module, _ in imports(ast.parse(file.read_text(encoding="utf-8")), at_import_time=True):
            heavy = level == 0 and module.split(".")[0] in LAZY
            assert not heavy, f"{file.relative_to(PACKAGE)} imports {module} where it is loaded, not where it is used"


def imported_by(source: Path) -> set[Path]:
    """Every file of the package that one of them imports, wherever and whenever it does."""
    found: set[Path] = set()
    for level, module, names in imports(ast.parse(source.read_text(encoding="utf-8")), at_import_time=False):
        for target in absolute_targets(source, level, module, names):
            # What is imported by name may be a module too: `from ..data import clips`.
            for place in (target, *([*target, name] for name in names)):
                path = PACKAGE.joinpath(*place)
                found.update(file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file())
    return found - {source}


def circles(graph: dict[Path, set[Path]]) -> list[list[str]]:
    """Groups of files each of which leads to every other (Tarjan's strongly connected components)."""
    number: dict[Path, int] = {}
    lowest: dict[Path, int] = {}
    stack: list[Path] = []
    found: list[list[str]] = []

    def visit(file: Path) -> None:
        number[file] = lowest[file] = len(number)
        stack.append(file)
        for other in graph[file]:
            if other not in number:
                visit(other)
                lowest[file] = min(lowest[file], lowest[other])
            elif other in stack:
                lowest[file] = min(lowest[file], number[other])
        if lowest[file] == number[file]:
            group = stack[stack.index(file) :]
            del stack[stack.index(file) :]
            if len(group) > 1:
                found.append(sorted(str(member.relative_to(PACKAGE)) for member in group))

    for file in graph:
        if file not in number:
            visit(file)
    return found


def test_no_import_leads_back():
    """Imports inside functions and for types alone count: what needs each other is one thing, or two and a third."""
    # The package's own file gives out the names of all others, when they are asked for, and says the version.
    top = PACKAGE / "__init__.py"
    graph = {source: imported_by(source) - {top} for source in SOURCES if source != top}
    assert circles(graph) == []


def test_circles_are_found():
    one, two, three, four = (PACKAGE / name for name in ("a.py", "b.py", "c.py", "d.py"))
    graph = {one: {two}, two: {three, four}, three: {one}, four: set()}
    assert circles(graph) == [["a.py", "b.py", "c.py"]]


@pytest.mark.parametrize("source", sorted((PACKAGE / "model").glob("*.py")), ids=lambda path: path.name)
def test_what_a_hub_repository_carries_is_flat(source):
    """Remote code is copied into one folder: `from ..x` and `from .sub.x` break there."""
    for level, module, _ in imports(ast.parse(source.read_text(encoding="utf-8")), at_import_time=False):
        assert level <= 1, f"{source.name} imports from outside its folder"
        assert level == 0 or (module and "." not in module), f"{source.name} must import `from .name import …`"
        assert level == 1 or module.split(".")[0] != "unimo_hf", f"{source.name} must not import unimo_hf by name"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_house_rules(source):
    text = source.read_text(encoding="utf-8")
    lines = text.splitlines()
    assert lines
    assert lines[0] == "# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0."
    # The autoregressive model is explained by one file.
    assert len(lines) <= 500, "cut the file where its meaning changes"
    tree = ast.parse(text)
    for node in ast.walk(tree):
        assert not isinstance(node, ast.Assert), f"line {node.lineno}: raise an error that says what is allowed"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "print", f"line {node.lineno}: a library does not print"
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = node.end_lineno - node.lineno + 1 - len((ast.get_docstring(node) or "").splitlines())
            assert length <= 60, f"{node.name} has {length} lines"
    assert not re.search(r"weights_only=False|allow_pickle=True|pickle\.loads?\(|Unpickler\(", text)
    assert not re.search(r"\b(TODO|FIXME|XXX)\b", text)


def test_no_subpackage_outside_the_package_could_be_installed():
    root = PACKAGE.parent
    for folder in ("configuration", "conversion", "benchmarks", "assets", "docs", "model_cards"):
        assert not (root / folder / "__init__.py").exists()
