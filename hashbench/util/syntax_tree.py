"""Checksums of Python source by its syntax tree: comments, docstrings, annotations and layout make no difference."""

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

SUM_DIGITS = 16
_LAYOUT = {"ctx", "kind", "type_comment", "type_ignores", "type_params", "annotation", "returns", "simple"}
_NOT_FIELDS = ("ClassVar", "InitVar")  # annotations in a class that decide whether a dataclass has the field


def tree_sum(file: Path) -> str:
    """Checksum of a source file's tree, 16 hexadecimal digits; equal on Python 3.11 to 3.13.

    Left out are comments, docstrings and other strings that stand alone, annotations, type parameters, imports for type
    checkers and everything that is layout. In a class body an annotated name stays told apart from a plain one, since
    dataclasses make fields of them. A file that is not Python source, or cannot be parsed, gets the checksum of its
    bytes.
    """
    content = file.read_bytes()
    try:
        text = "".join(_canonical(ast.parse(content)))
    except (SyntaxError, ValueError):
        return _digest(content)
    return _digest(text.encode("utf-8", "backslashreplace"))


def imported_modules(file: Path, package: str) -> list[str]:
    """Absolute names of the modules that a source file may import, anywhere in it, sorted; none if it has no tree.

    ``from a import b`` gives "a" and "a.b", which is a module only perhaps.

    Args:
        file: the source file.
        package: of the file, for its relative imports.
    """
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return []
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            names |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return sorted(name.strip(".") for name in names)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    above = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:SUM_DIGITS]


def _canonical(node: object) -> Iterator[str]:
    """The tree as text: fields by name, those that are empty or layout left out."""
    if isinstance(node, ast.AnnAssign):
        yield f"{_field_kind(node)} "
    if isinstance(node, list):
        yield "["
        for item in node:
            yield from _canonical(item)
            yield ","
        yield "]"
    elif isinstance(node, ast.AST):
        yield f"{type(node).__name__}("
        for name, value in _fields(node):
            yield f"{name}="
            yield from _canonical(value)
            yield ";"
        yield ")"
    else:
        yield f"{type(node).__name__}:{node!a}"  # not repr, which depends on the version of Unicode


def _fields(node: ast.AST) -> Iterator[tuple[str, object]]:
    for name, value in ast.iter_fields(node):
        if isinstance(value, list) and value and all(isinstance(item, ast.stmt) for item in value):
            value = list(_statements(value, in_class=isinstance(node, ast.ClassDef)))
        if name in _LAYOUT or value is None or value == []:
            continue
        if name == "values" and isinstance(node, ast.JoinedStr):
            yield name, _joined(value)
        else:
            yield name, value


def _statements(body: list[ast.stmt], in_class: bool) -> Iterator[ast.stmt]:
    """The statements that do something; assignments without their annotations, but in the body of a class."""
    for statement in body:
        if isinstance(statement, ast.Pass) or _is_text(statement) or _is_future_annotations(statement):
            continue
        if isinstance(statement, ast.If) and _is_type_checking(statement.test):
            yield from _statements(statement.orelse, in_class)
        elif isinstance(statement, ast.AnnAssign) and not in_class:
            if statement.value is not None:
                yield ast.Assign([statement.target], statement.value)
        else:
            yield statement


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _is_future_annotations(statement: ast.stmt) -> bool:
    names = [alias.name for alias in statement.names] if isinstance(statement, ast.ImportFrom) else []
    return names == ["annotations"] and getattr(statement, "module", None) == "__future__"


def _is_type_checking(test: ast.expr) -> bool:
    name = test.id if isinstance(test, ast.Name) else test.attr if isinstance(test, ast.Attribute) else ""
    return name == "TYPE_CHECKING"


def _field_kind(statement: ast.AnnAssign) -> str:
    """Which of "ClassVar" and "InitVar" the annotation is, or "field"."""
    names = [part.id for part in ast.walk(statement.annotation) if isinstance(part, ast.Name)]
    names += [part.attr for part in ast.walk(statement.annotation) if isinstance(part, ast.Attribute)]
    return next((kind for kind in _NOT_FIELDS if kind in names), "field")


def _joined(values: list[ast.expr]) -> list[ast.expr]:
    """The parts of an f-string with neighbouring texts as one: versions of Python split them in other places."""
    parts: list[ast.expr] = []
    for value in values:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            if not value.value:
                continue
            if parts and isinstance(parts[-1], ast.Constant) and isinstance(parts[-1].value, str):
                parts[-1] = ast.Constant(parts[-1].value + value.value)
                continue
        parts.append(value)
    return parts
