"""Children of a devnet are real processes: they answer, they end when asked, and none outlives its parent."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from devnet.launcher import GRACE_S, Child, Launcher, Mode
from devnet.pipe import ChildRefused, ParentEnd, PipeClosed
from tests.real.processes import gone_within, is_running

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mode", ["fork", "process"])
def test_nothing_outlives_a_parent_killed_with_9(mode: Mode) -> None:
    command = [sys.executable, "-m", "tests.real.parent_of_children", mode]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 3
        assert all(is_running(pid) for pid in pids)
        parent.send_signal(signal.SIGKILL)
    assert gone_within(pids, GRACE_S + 10)


@pytest.mark.parametrize("mode", ["fork", "process"])
async def test_a_child_answers_refuses_and_ends_when_its_pipe_is_closed(mode: Mode) -> None:
    with trio.fail_after(60), Launcher(mode, "tests.real.idle_child:answering") as launcher:
        child = await launcher.start()
        async with trio.open_nursery() as nursery:
            end = ParentEnd(child.pipe)
            nursery.start_soon(end.run)
            assert await end.notes.receive() == {"note": "ready", "pid": child.pid}
            assert await end.ask("echo", text="hello") == {"pid": child.pid, "echo": "hello"}
            with pytest.raises(ChildRefused) as refusal:
                await end.ask("fail")
            assert (refusal.value.code, refusal.value.facts) == ("no", {"asked": 1})
            await child.stop()
        assert not child.is_alive()
        with pytest.raises(PipeClosed):
            await end.ask("echo")


async def test_many_questions_are_under_way_at_once() -> None:
    with trio.fail_after(60), Launcher("fork", "tests.real.idle_child:answering") as launcher:
        child = await launcher.start()
        answers: list[str] = []

        async def ask(number: int) -> None:
            answers.append((await end.ask("echo", text=str(number)))["echo"])

        async with trio.open_nursery() as nursery:
            end = ParentEnd(child.pipe)
            nursery.start_soon(end.run)
            async with trio.open_nursery() as questions:
                for number in range(300):
                    questions.start_soon(ask, number)
            await child.stop()
        assert sorted(answers, key=int) == [str(number) for number in range(300)]


async def test_a_killed_child_answers_nobody_and_a_deaf_one_is_killed() -> None:
    with trio.fail_after(60):
        await _kill_while_asking()
        with Launcher("fork", "tests.real.idle_child:deaf") as launcher:
            child: Child = await launcher.start()
            await child.stop(within_s=0.2)
            assert not child.is_alive()


async def _kill_while_asking() -> None:
    with Launcher("fork", "tests.real.idle_child:answering") as launcher:
        child = await launcher.start()
        async with trio.open_nursery() as nursery:
            end = ParentEnd(child.pipe)
            nursery.start_soon(end.run)
            await end.notes.receive()
            os.kill(child.pid, signal.SIGSTOP)
            nursery.start_soon(trio.to_thread.run_sync, child.kill)
            with pytest.raises(PipeClosed):
                await end.ask("echo")
        await child.wait()
