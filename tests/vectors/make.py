"""Writes the stories of `stories/` as JSON beside this file: `python -m tests.vectors.make`.

Everything comes from fixed seeds and Ed25519 signs the same bytes the same way, so the files only change when the
protocol does. A verdict is written by hand in the story; the ledger here must agree before a file is written.
"""

import json
from collections.abc import Callable
from pathlib import Path

from .forms import forms
from .papers import papers
from .stories import commons, edges, finality, founding, heights, levy, payments, places, shapes, values
from .talk import messages
from .writing import Story

HERE = Path(__file__).parent
STORIES: dict[str, Callable[[], Story]] = {
    module.__name__.rpartition(".")[2]: module.story
    for module in (values, payments, shapes, places, finality, founding, commons, heights, levy, edges)
}


def text(name: str) -> str:
    """The file of one story, one step a line."""
    shown = STORIES[name]().shown()
    steps = ",\n    ".join(json.dumps(step) for step in shown.pop("steps"))
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in shown.items()]
    lines.insert(3, f'  "steps": [\n    {steps}\n  ]')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def forms_text() -> str:
    """The file of text forms, words and keys."""
    return json.dumps(forms(), indent=1) + "\n"


def messages_text() -> str:
    """The file of messages, one a line."""
    return "[\n" + ",\n".join(json.dumps(row) for row in messages()) + "\n]\n"


def papers_text() -> str:
    """The file of invites, records and requests: one row a line, as long as they are."""
    parts = []
    for name, part in papers().items():
        rows = [part] if isinstance(part, dict) else part
        lines = ",\n  ".join(json.dumps(row) for row in rows)
        parts.append(f"{json.dumps(name)}: " + (lines if isinstance(part, dict) else f"[\n  {lines}\n ]"))
    return "{\n " + ",\n ".join(parts) + "\n}\n"


def write() -> None:
    """Write all files."""
    (HERE / "forms.json").write_text(forms_text())
    (HERE / "messages.json").write_text(messages_text())
    (HERE / "papers.json").write_text(papers_text())
    for name in STORIES:
        (HERE / f"{name}.json").write_text(text(name))


if __name__ == "__main__":
    write()
