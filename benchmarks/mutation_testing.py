"""How many random faults in `geometry/`, `measure/` and `change/` the fast tests of truth and law notice.

`python -m benchmarks.mutation_testing --out FILE --seed 8 --first 0` shuffles all faults that can be made, takes 600
from the given one on, and adds a line per fault to FILE; stopped, it goes on. `--show FILE` prints the table. Each
fault is tried in a process of its own, on the tests that reach its line, the quickest first. Unlike mutmut this changes
properties and the thresholds of modules, too.

A fault counts as noticed if a test fails or hangs. One that changes nothing that can be seen counts as unnoticed:
nobody sorts these out by hand. Annotations, decorators and strings are left alone.
"""

import argparse
import ast
import copy
import importlib.util
import os
import random
import resource
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from xml.etree import ElementTree

import coverage
import pytest
from hypothesis import settings

ROOMS = ("geometry", "measure", "change")
SOURCE = Path("src/plaquecast")
TESTS = [f"tests/truth/test_{what}.py" for what in ("tube", "cap", "components", "stenosis", "laplace", "ibsi_phantom")]
TESTS += [f"tests/laws/test_{law}.py" for law in ("change_is_fair", "measurement_keeps_to_geometry")]
TESTS += ["--ignore=tests/change/test_verdicts_hold_their_level.py"]
TESTS += [f"{folder}/{room}" for folder in ("tests", SOURCE) for room in ROOMS]
AHEAD = (
    "scipy.ndimage",
    "scipy.sparse.linalg",
    "scipy.stats",
    "scipy.integrate",
    "skimage.measure",
    "pytest_cov.plugin",
)
"""What takes long to import and holds no fault: children find it there."""
QUICK_S, HANGS_S = 0.05, 30
"""Of a test that takes longer than the first, one of its parameters is run; a fault that takes the second hangs."""
settings.register_profile("faults", max_examples=8, deadline=None, derandomize=True, database=None)

INSTEAD: dict[type, tuple[type, ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,), ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div,), ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Div,), ast.Mod: (ast.Mult,), ast.Pow: (ast.Mult,), ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,), ast.And: (ast.Or,), ast.Or: (ast.And,), ast.MatMult: (),
}  # fmt: skip
NAMES = {"min": "max", "minimum": "maximum", "argmin": "argmax", "any": "all", "sin": "cos", "ones": "zeros"}
NAMES |= {other: one for one, other in NAMES.items()}


def variants(node: ast.AST) -> Iterator[ast.AST]:
    """What a node may become."""
    match node:
        case ast.Compare(_, [op], _):
            yield from (_with(node, ops=[new()]) for new in INSTEAD[type(op)])
        case ast.BinOp(op=op) | ast.AugAssign(op=op) | ast.BoolOp(op=op):
            yield from (_with(node, op=new()) for new in INSTEAD[type(op)])
        case ast.IfExp(test) | ast.If(test):
            yield _with(node, test=ast.UnaryOp(ast.Not(), test))
        case ast.UnaryOp(_, operand):
            yield operand
        case ast.Constant(bool() as value):
            yield _with(node, value=not value)
        case ast.Constant(int() | float() as value):
            yield _with(node, value=value + 1 if isinstance(value, int) else 1.5 * value or 1.0)
        case ast.Return(ast.AST()):
            yield _with(node, value=ast.Constant(None))
        case ast.Name(name) | ast.Attribute(attr=name) if name in NAMES:
            yield _with(node, **{"id" if isinstance(node, ast.Name) else "attr": NAMES[name]})


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    vars(changed).update(fields)
    return changed


def nodes(path: Path) -> tuple[ast.Module, list[ast.AST]]:
    """A module and its nodes in order, but for aliases of types, annotations, decorators and texts with values."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    apart = [each for each in tree.body if isinstance(getattr(each, "value", None), ast.BinOp)]
    for node in ast.walk(tree):
        apart += [node] if isinstance(node, ast.JoinedStr) else getattr(node, "decorator_list", [])
        apart += filter(None, (getattr(node, name, None) for name in ("annotation", "returns")))
    alone = {id(child) for each in apart for child in ast.walk(each)}
    return tree, [node for node in ast.walk(tree) if id(node) not in alone]


def passes(arguments: Sequence[str], path: Path | None = None, tree: ast.Module | None = None) -> bool:
    """Whether pytest passes in a process of its own, in which `tree` stands for the module of this path."""
    if child := os.fork():
        return os.waitpid(child, 0)[1] == 0
    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        if path and tree:
            resource.setrlimit(resource.RLIMIT_CPU, (HANGS_S, HANGS_S))
            room, name = f"plaquecast.{path.parent.name}", path.stem
            made = importlib.util.module_from_spec(importlib.util.find_spec(f"{room}.{name}"))
            sys.modules[f"{room}.{name}"] = made
            exec(compile(ast.fix_missing_locations(tree), path, "exec"), made.__dict__)
            setattr(sys.modules[room], name, made)
        code = pytest.main(["-x", "--assert=plain", *arguments])
    finally:
        os._exit(code)


def survey() -> dict[Path, dict[int, list[str]]]:
    """Tests that reach each line of each module, from one run of all; those of line 0 reach the module."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["COVERAGE_FILE"] = f"{folder}/lines"
        if not passes([*TESTS, "--cov=plaquecast", "--cov-context=test", "--cov-report=", f"--junit-xml={folder}/xml"]):
            raise SystemExit("the tests fail without a fault")
        cases = ElementTree.parse(f"{folder}/xml").iter("testcase")
        seconds = {(case.get("classname"), case.get("name")): float(case.get("time", 0.0)) for case in cases}
        data = coverage.CoverageData(f"{folder}/lines")
        data.read()
        lines = {Path(file): data.contexts_by_lineno(file) for file in data.measured_files()}

    def quickest(contexts: Iterable[str]) -> list[str]:
        timed, chosen = [], {}
        for test in {context.partition("|")[0] for context in contexts} - {""}:
            file, *names = test.split("::")
            place = ".".join([file.removesuffix(".py").replace("/", "."), *names[:-1]])
            timed.append((seconds[place, names[-1]], test))
        for time_s, test in sorted(timed):
            chosen.setdefault(test if time_s < QUICK_S else test.partition("[")[0], test)
        return list(chosen.values())

    return {
        file: {0: quickest(chain(*reached.values()))} | {line: quickest(tests) for line, tests in reached.items()}
        for file, reached in lines.items()
    }


def run(sample: Sequence[tuple[Path, int, int]], out: Path) -> None:
    """Try every fault that `out` does not have yet."""
    for name in AHEAD:
        importlib.import_module(name)
    os.environ["HYPOTHESIS_PROFILE"] = "faults"
    reaching, done = survey(), len(out.read_text().splitlines()) if out.exists() else 0
    for path, number, which in sample[done:]:
        tree, every = nodes(path)
        old, new = every[number], list(variants(every[number]))[which]
        lines = reaching[path.resolve()]
        tests = lines[max(each for each in lines if each <= old.lineno)] or lines[0]
        text = [ast.unparse(each).splitlines()[0] for each in (old, new)]
        kind = type(old).__name__
        old.__class__, old.__dict__ = type(new), vars(new)
        outcome = "unnoticed" if passes(tests, path, tree) else "noticed"
        with out.open("a") as file:
            print(path.relative_to(SOURCE), new.lineno, kind, *text, outcome, sep="\t", file=file)


def show(out: Path) -> None:
    """Print how many of the faults of `out` were noticed, by room and kind."""
    noticed = defaultdict(list)
    for row in out.read_text().splitlines():
        path, _, kind, *_, outcome = row.split("\t")
        for group in ("all", f"in {Path(path).parent}", kind):
            noticed[group].append(outcome == "noticed")
    print("| faults | made | noticed | % |\n|---|---|---|---|")
    for group, found in noticed.items():
        print(f"| {group} | {len(found)} | {sum(found)} | {100 * sum(found) / len(found):.1f} |")


def main() -> None:
    """Try faults, or show what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, kind, default in (("out", Path, None), ("seed", int, 8), ("first", int, 0), ("show", Path, None)):
        parser.add_argument(f"--{name}", type=kind, default=default)
    given = parser.parse_args()
    if given.show:
        return show(given.show)
    files = [path for room in ROOMS for path in sorted((SOURCE / room).glob("*.py"))]
    every = [
        (path, number, which)
        for path in files
        for number, node in enumerate(nodes(path)[1])
        for which, _ in enumerate(variants(node))
    ]
    random.Random(given.seed).shuffle(every)
    return run(every[given.first : given.first + 600], given.out)


if __name__ == "__main__":
    main()
