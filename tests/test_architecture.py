"""The house rules, read from the source with `ast`: who may import whom, who owns what, how big things may be.

Each rule is one test whose failure lists the places that break it. A rule that needs an exception names it in a
table here, with the reason, so that the exception is seen by who reads the tests and not only by who wrote it.
"""

import ast
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.documents import ROOT
from tests.sources import PACKAGES, nodes, sources

OUTSIDE_OWNERS = {
    "libp2p": ("node/transport/", "devnet/bench/"),
    "multiaddr": ("node/transport/", "devnet/bench/"),
    "zeroconf": ("node/transport/",),
    "ifaddr": ("node/transport/",),
    "apsw": ("node/journal", "wallet/books/", "devnet/bench/"),
    "sqlite3": (),
    "starlette": ("node/web", "node/api", "wallet/api"),
    "hypercorn": ("node/web",),
    "httpx": ("wallet/programs/posting.py", "wallet/scripting/"),
    "nacl.pwhash": ("wallet/keystore",),
    "mnemonic": ("wallet/words.py",),
}
"""What comes from outside, and the beginnings of the paths that may touch it. The bench measures the bare libraries
beside us, and nothing else of `devnet` may know them."""

PROTOCOL_LIBRARIES = {"nacl", "msgpack"}
REACHES_OUTSIDE = {
    "socket", "os", "io", "pathlib", "sqlite3", "time", "datetime", "random", "secrets", "asyncio", "threading",
    "logging", "subprocess", "multiprocessing", "urllib", "http", "shutil", "tempfile", "trio", "libp2p",
}  # fmt: skip

CALL_OWNERS = {
    # Members' keys come from words, a node's own from its identity; the devnet only asks for a peer id.
    # Besides: the one-time keys, whose seeds stand in the texts that are passed on.
    "SecretKey.from_seed": (
        "protocol/derivation.py",
        "protocol/invite.py",
        "protocol/host_card.py",
        "node/identity.py",
        "devnet/founding.py",
        "devnet/bench/",
    ),
    # All that signs: a witness and its marks, the one signer of a wallet, foundings, a node's greeting, a cheat.
    "sign": (
        "protocol/pen.py",
        "protocol/fence.py",
        "wallet/desk.py",
        "wallet/stewards/ballots.py",
        "wallet/stewards/inviting.py",
        "wallet/stewards/calling.py",
        "wallet/founding.py",
        "wallet/joining/kept.py",
        "wallet/joining/applying.py",
        "wallet/people/recording.py",
        "node/service.py",
        "node/hosting/vacant.py",
        "wallet/hosts/knocking.py",
        "devnet/doubling.py",
        "devnet/bench/",
    ),
    # The one door, and what reads the journal again.
    "ledger.apply": ("node/bookkeeper.py", "node/rebuilding.py", "node/verif"),
    "ledger.certify": ("node/bookkeeper.py", "node/rebuilding.py", "node/verif"),
    "ledger.rewind": ("node/bookkeeper.py", "node/rebuilding.py", "node/verif"),
    # Besides the door only the founding of a store, before there is a node.
    "journal.append": (
        "node/bookkeeper.py",
        "node/store.py",
        "wallet/founding.py",
        "wallet/joining/kept.py",
        "devnet/bench/",
    ),
}
"""Calls that only some may make, by the end of their name."""

TERMINALS = ("node/console/terminal", "devnet/terminal", "wallet/examples/")
SLOW_TO_START = {"libp2p", "starlette", "hypercorn", "httpx"}
"""What no command may import before it knows that it needs it."""

BANNED_WORDS = {"util", "utils", "helper", "helpers", "manager", "common", "misc", "data", "info"}
FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 400

BROAD_EXCEPTS = {
    "devnet/child.py _live": "the border to the parent: what is foreseen is told, the rest is logged and raised",
    "node/writing.py let_go": "a fault in one listener must not end the door; it is logged",
    "node/exchange.py _answer": "a fault in one handler must not end the node; it is logged",
    "node/starting.py told": "the border to the person: what is foreseen becomes a sentence, the rest is raised",
    "node/transport/dialling.py _try": "whatever a dial meets, the peer is dialled again",
    "node/transport/doorstep.py _reply": "a stranger chooses the question: a fault in its answer only hangs up; logged",
    "node/transport/guests.py serve": "a guest may break anything, but only its own connection",
    "node/transport/hints.py push_msg": "what the library cannot read of a hint is dropped",
    "node/transport/hints.py run": "hints only hurry: without them the node goes on, and says so",
    "node/transport/host.py guarded": "the library lets exceptions of one stream end the whole host",
    "node/transport/knocking.py _reached": "whatever answers at an unknown address, the asker gets one plain reason",
    "node/transport/listening.py _serve": "an inbound connection may fail in any way, and only itself",
    "node/transport/yamux.py start": "one connection may not end the node",
    "node/web/application.py _serve": "a fault in one answer must not end the node; it is logged",
    "node/web/server.py serve": "one connection that broke the HTTP machinery must not end the node; it is logged",
}
"""Places where any exception at all is caught and not raised again at once, each with its reason: `path function`."""

CALL, LINK, PROCESS = "as long as the call", "as long as the connection", "as long as the process"
NURSERIES = {
    "node/acquaintances.py keep": PROCESS,
    "node/hosting/host.py _serve": PROCESS,
    "node/hosting/host.py _wait": PROCESS,
    "node/running.py until_signal": PROCESS,
    "node/service.py _work": PROCESS,
    "node/service.py run_node": PROCESS,
    "node/transport/guests.py serve": LINK,
    "node/transport/hints.py run": PROCESS,
    "node/transport/service.py run": PROCESS,
    "node/transport/yamux.py start": LINK,
    "node/web/server.py serve": PROCESS,
    "wallet/joining/applying.py ask": CALL,
    "wallet/joining/applying.py look": CALL,
    "wallet/joining/asking.py knocking": CALL,
    "wallet/hosts/founding.py _acceptances": CALL,
    "wallet/hosts/knocking.py knocking": CALL,
    "wallet/hosts/kept.py tell": CALL,
    "wallet/service.py forward": CALL,
    "wallet/service.py run_wallet": PROCESS,
    "wallet/programs/webhooks.py run": PROCESS,
    "wallet/up.py _run_open": PROCESS,
}
"""Where node and wallet start tasks, and how long these live: `path function`. All nest in the one of the process."""

THREADS = {"devnet/launcher.py": "a child ends with its parent, whatever the rest of it is doing"}

TIME_IN_PROTOCOL = {
    "protocol/budget.py": "a witness's own policy",
    "protocol/lease.py": "who may sign at present, as far as a witness knows",
    "protocol/replication.py": "when a question counts as lost",
    "protocol/signer.py": "until when a wallet may sign",
    "protocol/witness.py": "hands the time to the budget",
}
"""Machines that are told seconds of a monotonic clock. They only delay: no rule of the ledger reads a clock."""


def _in(package: str) -> dict[str, ast.Module]:
    return {path: tree for path, tree in sources().items() if path.startswith(f"{package}/")}


def _module(path: str) -> str:
    return path.removesuffix("/__init__.py").removesuffix(".py").replace("/", ".")


def _is_for_types_only(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def _loaded_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when the module is imported."""
    for node in ast.iter_child_nodes(tree):
        is_later = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.expr)
        if is_later or (isinstance(node, ast.stmt) and _is_for_types_only(node)):
            continue
        yield node
        yield from _loaded_nodes(node)


@cache
def _imports(path: str, *, at_load: bool = False) -> tuple[str, ...]:
    """Every module that `path` names in an import, in full; `from x import y` gives x and x.y."""
    tree = sources()[path]
    return tuple(_named(path, _loaded_nodes(tree) if at_load else nodes(tree)))


def _named(path: str, among: Iterable[ast.AST]) -> Iterator[str]:
    package = _module(path).split(".") if path.endswith("/__init__.py") else _module(path).split(".")[:-1]
    for node in among:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            yield origin
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in nodes(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _function_around(tree: ast.Module, node: ast.expr | ast.excepthandler) -> str:
    """The name of the innermost function around a node; empty where there is none."""
    around = [one for one in _functions(tree) if one.lineno <= node.lineno <= (one.end_lineno or 0)]
    return around[-1].name if around else ""  # breadth first, so inner ones come later


@cache
def _calls() -> tuple[tuple[str, ast.Call, str], ...]:
    """Every call: path, node, and what is called, as it is written."""
    return tuple(
        (path, node, ast.unparse(node.func))
        for path, tree in sources().items()
        for node in nodes(tree)
        if isinstance(node, ast.Call)
    )


@pytest.fixture(scope="module", autouse=True)
def trees() -> Iterator[None]:
    """Let go of what was found: the garbage collector would look at all of it until the last test."""
    yield
    _calls.cache_clear()  # the last to look at the others is `test_examples`


def test_packages_import_one_way() -> None:
    wrong = []
    for index, package in enumerate(PACKAGES):
        later = set(PACKAGES[index + 1 :]) | {"tests"}
        for path in _in(package):
            wrong += [f"{path} imports {name}" for name in _imports(path) if name.split(".")[0] in later]
    assert not wrong, wrong


def test_protocol_imports_nothing_that_reaches_outside() -> None:
    allowed = (set(sys.stdlib_module_names) - REACHES_OUTSIDE) | PROTOCOL_LIBRARIES | {"protocol"}
    wrong = [
        f"{path} imports {name}"
        for path in _in("protocol")
        for name in _imports(path)
        if name.split(".")[0] not in allowed
    ]
    assert not wrong, wrong


def test_protocol_opens_no_file_and_waits_for_nothing() -> None:
    wrong = [
        f"{path}:{node.lineno} {called}"
        for path, node, called in _calls()
        if path.startswith("protocol/") and called in ("open", "input", "print", "exec", "eval")
    ]
    wrong += [
        f"{path}:{node.lineno} async"
        for path, tree in _in("protocol").items()
        for node in nodes(tree)
        if isinstance(node, ast.AsyncFunctionDef | ast.Await)
    ]
    assert not wrong, wrong


def test_the_rules_know_no_floats() -> None:
    wrong = []
    for path, tree in _in("protocol").items():
        if path in TIME_IN_PROTOCOL:
            continue
        for node in nodes(tree):
            is_float = isinstance(node, ast.Constant) and isinstance(node.value, float)
            is_float |= isinstance(node, ast.Name) and node.id == "float"
            is_float |= isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div)
            if is_float and isinstance(node, ast.expr | ast.stmt):
                wrong.append(f"{path}:{node.lineno} {ast.unparse(node)}")
    assert not wrong, wrong


@pytest.mark.parametrize("library", OUTSIDE_OWNERS)
def test_each_outside_thing_has_one_owner(library: str) -> None:
    wrong = [
        f"{path} imports {name}"
        for path in sources()
        for name in _imports(path)
        if f"{name}.".startswith(f"{library}.") and not path.startswith(OUTSIDE_OWNERS[library])
    ]
    assert not wrong, wrong


@pytest.mark.parametrize("call", CALL_OWNERS)
def test_what_changes_the_books_or_makes_keys_has_owners(call: str) -> None:
    wrong = [
        f"{path}:{node.lineno}"
        for path, node, called in _calls()
        if f".{called}".replace("._", ".").endswith(f".{call}") and not path.startswith(CALL_OWNERS[call])
    ]
    assert not wrong, wrong


def test_only_the_terminals_print_and_ask() -> None:
    wrong = []
    for path, node, called in _calls():
        speaks = called in ("print", "input", "click.echo", "click.secho", "click.prompt", "click.confirm")
        speaks |= called.startswith(("sys.stdout", "sys.stderr", "getpass."))
        if speaks and not path.startswith(TERMINALS):
            wrong.append(f"{path}:{node.lineno} {called}")
    assert not wrong, wrong


def _loaded_by(path: str) -> set[str]:
    """All that importing `path` imports, ours followed through and others by name."""
    by_module = {_module(other): other for other in sources()}
    seen: set[str] = set()
    found: set[str] = set()
    waiting = [path]
    while waiting:
        here = waiting.pop()
        if here in seen:
            continue
        seen.add(here)
        for name in _imports(here, at_load=True):
            found.add(name)
            parts = name.split(".")
            packages = (".".join(parts[:count]) for count in range(1, len(parts) + 1))
            waiting += [by_module[module] for module in packages if module in by_module]
    return found


def _commands() -> list[str]:
    rooms = ("wallet/commands", "wallet/__main__", "node/commands", "node/__main__")
    return [path for path in sources() if path.startswith(rooms)]


def test_commands_load_neither_libp2p_nor_a_web_framework() -> None:
    for path in _commands():
        loaded = sorted(name for name in _loaded_by(path) if name.split(".")[0] in SLOW_TO_START)
        assert not loaded, f"{path} loads {loaded}"


def test_no_function_is_longer_than_a_screen() -> None:
    wrong = []
    for path, tree in sources().items():
        for function in _functions(tree):
            lines = (function.end_lineno or 0) - function.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                wrong.append(f"{path}:{function.lineno} {function.name}: {lines} lines")
    assert not wrong, wrong


def test_no_file_is_too_long() -> None:
    lines = {path: (ROOT / path).read_text().count("\n") for path in sources()}
    assert not (wrong := {path: count for path, count in lines.items() if count > FILE_LINES_MAX}), wrong


def test_file_names_say_something() -> None:
    wrong = [path for path in sources() if BANNED_WORDS & set(Path(path).stem.split("_"))]
    assert not wrong, wrong


def test_every_module_says_what_it_is_for() -> None:
    wrong = [path for path, tree in sources().items() if tree.body and not ast.get_docstring(tree)]
    assert not wrong, wrong


def _broad_excepts() -> Iterator[str]:
    for path, tree in sources().items():
        for node in nodes(tree):
            if isinstance(node, ast.ExceptHandler):
                caught = ast.unparse(node.type) if node.type else "BaseException"
                is_broad = {"Exception", "BaseException"} & set(caught.strip("()").replace(",", " ").split())
                last = node.body[-1]
                if is_broad and not (isinstance(last, ast.Raise) and last.exc is None):
                    yield f"{path} {_function_around(tree, node)}"


def test_any_exception_is_caught_only_where_it_is_said_why() -> None:
    assert set(_broad_excepts()) == set(BROAD_EXCEPTS)


def _nurseries() -> Iterator[str]:
    for path, tree in (*_in("node").items(), *_in("wallet").items()):
        for node in nodes(tree):
            if isinstance(node, ast.Attribute) and node.attr == "open_nursery":
                yield f"{path} {_function_around(tree, node)}"


def test_tasks_are_started_only_where_it_is_said_how_long_they_live() -> None:
    assert set(_nurseries()) == set(NURSERIES)


def test_nothing_runs_outside_a_nursery() -> None:
    strays = ("trio.lowlevel.spawn_system_task", "threading.Thread")
    found = {path for path, _, called in _calls() if called in strays}
    assert found == set(THREADS)
