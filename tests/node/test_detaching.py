"""A process that is started to stay finds our packages, from whatever folder it is started."""

import os
from pathlib import Path

import pytest

import node
from node.console import detaching

ROOT = Path(node.__file__).parents[1]


@pytest.mark.parametrize("known", [None, "/somewhere"])
def test_the_folder_that_holds_our_packages_is_findable_and_no_folder_inside_them(
    monkeypatch: pytest.MonkeyPatch, known: str | None
) -> None:
    if known is None:
        monkeypatch.delenv("PYTHONPATH", raising=False)
    else:
        monkeypatch.setenv("PYTHONPATH", known)
    found = detaching._environment()["PYTHONPATH"].split(os.pathsep)
    assert found == [str(ROOT), *([known] if known else [])]
