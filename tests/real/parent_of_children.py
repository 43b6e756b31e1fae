"""A parent to be killed: starts children, prints their pids, and waits for ever. Run by test_devnet_launcher."""

import sys

import trio

from devnet.launcher import Launcher, Mode


async def _main(mode: Mode) -> None:
    with Launcher(mode, "tests.real.idle_child:deaf") as launcher:
        children = [await launcher.start() for _ in range(3)]
        print(*(child.pid for child in children), flush=True)
        await trio.sleep_forever()


if __name__ == "__main__":
    trio.run(_main, "process" if sys.argv[1:] == ["process"] else "fork")
