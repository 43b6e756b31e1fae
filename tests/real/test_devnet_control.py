"""Another process reaches a running devnet by the socket in its home, and nobody else does."""

from pathlib import Path

import pytest
import trio

from devnet.control import NotRunning, ask, is_running, open_control, serve, socket_path
from devnet.pipe import ChildRefused, Fields


async def order(fields: Fields) -> Fields:
    if fields["do"] == "kill":
        raise ChildRefused("no_member", "nobody is called zoe", {"name": "zoe"})
    return {"heard": fields["do"]}


async def test_a_question_gets_its_answer_and_a_refusal_its_reason(tmp_path: Path) -> None:
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve, open_control(tmp_path), order)
            assert await trio.to_thread.run_sync(is_running, tmp_path)
            assert await trio.to_thread.run_sync(ask, tmp_path, "status") == {"heard": "status"}
            with pytest.raises(ChildRefused) as refusal:
                await trio.to_thread.run_sync(ask, tmp_path, "kill")
            assert (refusal.value.code, refusal.value.facts) == ("no_member", {"name": "zoe"})
            nursery.cancel_scope.cancel()
    assert not socket_path(tmp_path).exists()


def test_without_a_devnet_the_answer_is_that_none_runs(tmp_path: Path) -> None:
    assert not is_running(tmp_path)
    with pytest.raises(NotRunning):
        ask(tmp_path, "status")


def test_a_socket_left_behind_is_no_running_devnet_and_stands_in_nobodys_way(tmp_path: Path) -> None:
    open_control(tmp_path).close()
    assert not is_running(tmp_path)
    open_control(tmp_path).close()


def test_a_second_devnet_takes_nothing_from_the_one_that_runs(tmp_path: Path) -> None:
    with open_control(tmp_path):
        with pytest.raises(OSError, match="running in"):
            open_control(tmp_path)
        assert is_running(tmp_path)


def test_a_home_open_to_others_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with pytest.raises(PermissionError):
        open_control(tmp_path)


def test_a_home_with_a_long_path_has_its_socket_elsewhere(tmp_path: Path) -> None:
    assert socket_path(tmp_path) == tmp_path / "control.sock"
    assert len(str(socket_path(tmp_path / ("long" * 30)))) < 104
