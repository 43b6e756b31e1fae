"""Payments as JSON lines: one object a line, with all words as they are."""

import json

from .csvfile import COLUMNS
from .rows import ExportRow, Place


def head(_: Place) -> str:
    """Nothing: each line stands for itself."""
    return ""


def line(row: ExportRow) -> str:
    """One object: the columns of the CSV; `id`, `memo` and `ref` are null where there is none, `time` is a number."""
    content = {name: getattr(row, name) for name in COLUMNS}
    return json.dumps({**content, "id": row.id or None}) + "\n"
