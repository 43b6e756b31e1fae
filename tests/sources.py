"""The programs as `ast` reads them, once for all tests that look."""

import ast
from functools import cache

from tests.documents import ROOT

PACKAGES = ("protocol", "node", "wallet", "devnet")
"""In the order of the imports: each may use itself and those before it."""


@cache
def sources() -> dict[str, ast.Module]:
    """Every module, by its path below the project."""
    files = (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text()) for path in files}


@cache
def nodes(tree: ast.AST) -> tuple[ast.AST, ...]:
    """All nodes of a file, breadth first."""
    return tuple(ast.walk(tree))
