"""Members of a replay get handles; its rows keep their outcomes."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from devnet.names import bare_handle, handles_of
from devnet.outcomes import PAID, Outcomes, read_outcomes
from protocol.ops import is_handle


def test_names_become_handles_that_people_know_again() -> None:
    assert bare_handle("Łucja O'Neill") == "lucja-o-neill"
    assert bare_handle("José") == "jose"
    assert bare_handle("0xAbC123") == "0xabc123"
    assert bare_handle("王") == ""


def test_names_that_would_be_alike_are_told_apart() -> None:
    assert handles_of(["Ana", "ana", "ANA ", "ana-2"]) == ["ana", "ana-2", "ana-3", "ana-2-4"]
    assert handles_of(["Commons", "ana"]) == ["commons-1", "ana"], "account 0 is called so"
    assert handles_of(["王", "李", "a", "B"]) == ["member-1", "member-2", "a-3", "b-4"]


@given(st.lists(st.text(max_size=40), unique=True, max_size=30))
def test_all_names_get_different_and_proper_handles(names: list[str]) -> None:
    handles = handles_of(names)
    assert len(set(handles)) == len(names)
    assert all(is_handle(handle) for handle in handles)
    assert handles == handles_of(names)


def test_outcomes_are_kept_and_a_line_that_was_cut_short_counts_for_nothing(tmp_path: Path) -> None:
    file = tmp_path / "outcomes"
    with Outcomes(file) as outcomes:
        outcomes.note(2, PAID)
        outcomes.note(3, "limit")
    with file.open("a") as more:
        more.write("4 pa")
    with Outcomes(file) as outcomes:
        assert outcomes.known == {2: PAID, 3: "limit"}
        outcomes.note(4, "limit")
    assert read_outcomes(file) == {2: PAID, 3: "limit", 4: "limit"}


def test_a_refusal_is_on_the_disk_before_anything_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "outcomes"
    with Outcomes(file) as outcomes:
        outcomes.note(7, "limit")
        assert read_outcomes(file) == {7: "limit"}


def test_what_was_paid_is_in_the_file_though_the_process_ends_without_closing_it(tmp_path: Path) -> None:
    with Outcomes(tmp_path / "outcomes") as outcomes:
        outcomes.note(2, PAID)
        outcomes.note(3, PAID)
        assert read_outcomes(tmp_path / "outcomes") == {2: PAID, 3: PAID}
