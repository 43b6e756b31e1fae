"""A devnet keeps its plan, and only a devnet's folder is ever removed."""

from pathlib import Path

import pytest

from devnet.homes import DevnetHome, HomeTaken, settle_plan, size_text
from devnet.plan import Plan


def made(root: Path, plan: Plan) -> DevnetHome:
    home = DevnetHome(root)
    home.create()
    home.keep("devnet", {"plan": plan.plain()})
    return home


def test_a_plan_is_kept_between_runs(tmp_path: Path) -> None:
    home = DevnetHome(tmp_path / "net")
    assert settle_plan(home, {"members": 5}) == (Plan(members=5), True)
    made(home.root, Plan(members=5))
    assert settle_plan(home, {}) == (Plan(members=5), False)
    assert settle_plan(home, {"members": 5}) == (Plan(members=5), False)


def test_a_small_community_has_as_many_witnesses_as_it_can(tmp_path: Path) -> None:
    assert settle_plan(DevnetHome(tmp_path), {"members": 3})[0] == Plan(members=3, witnesses=3)


def test_another_plan_than_the_kept_one_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    home = made(tmp_path / "net", Plan(members=5))
    with pytest.raises(HomeTaken, match="--members 5"):
        settle_plan(home, {"members": 6})
    assert settle_plan(home, {}) == (Plan(members=5), False)


def test_wiping_lists_what_goes_and_removes_it(tmp_path: Path) -> None:
    home = made(tmp_path / "net", Plan())
    (home.root / "ana").mkdir()
    (home.root / "ana" / "book").write_bytes(bytes(1500))
    assert home.contents() == ["ana  1.5 kB", f"devnet.json  {home.marker.stat().st_size} B"]
    home.wipe()
    assert not home.root.exists()


def test_a_folder_that_is_no_devnet_is_neither_used_nor_removed(tmp_path: Path) -> None:
    (tmp_path / "letters").write_text("dear")
    home = DevnetHome(tmp_path)
    with pytest.raises(HomeTaken, match="not empty"):
        home.create()
    home.wipe()
    assert (home.contents(), (tmp_path / "letters").read_text()) == ([], "dear")


def test_a_replay_is_not_taken_for_a_devnet(tmp_path: Path) -> None:
    home = DevnetHome(tmp_path / "net")
    home.create()
    home.keep("replay", {})
    with pytest.raises(HomeTaken, match="something else"):
        settle_plan(home, {})


def test_sizes() -> None:
    assert [size_text(count) for count in (0, 999, 1500, 2_000_000, 3_000_000_000)] == [
        "0 B", "999 B", "1.5 kB", "2.0 MB", "3.0 GB",
    ]  # fmt: skip
