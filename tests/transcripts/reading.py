"""Reads a transcript and compares what a terminal showed with it. Pure; running is elsewhere."""

import re
from dataclasses import dataclass, field

_COMMAND = re.compile(r"(?P<who>[a-z0-9-]*)\$ (?P<line>.+)")
_SETTING = re.compile(r"\(a community of (?P<names>[a-z, ]+), all up\)")
_STRANGERS = re.compile(r"\((?P<names>[a-z, ]+), each with a home of their own that is still empty\)")
LATER = "(a little later)"
_EXIT = re.compile(r"\[exit (\d+)\]")
_NAME = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Step:
    """One command and what it must show."""

    who: str
    """Whose home; empty for the one home of a story with one person."""
    line: str
    shown: tuple[str, ...]
    status: int
    number: int
    """Of its line in the file."""
    later: bool = False
    """It is tried again for a while until it shows that."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """A story: who is there before it begins, and its steps."""

    people: tuple[str, ...]
    """Members of a community that is up."""
    strangers: tuple[str, ...]
    """People with empty homes."""
    steps: tuple[Step, ...]


def read_transcript(text: str) -> Transcript:
    """Read a file. Raises ValueError when it tells no story."""
    people: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()
    steps: list[Step] = []
    later = False
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if setting := _SETTING.fullmatch(line):
            people = _names(setting["names"])
        elif setting := _STRANGERS.fullmatch(line):
            strangers = _names(setting["names"])
        elif line == LATER:
            later = True
        elif command := _COMMAND.fullmatch(line):
            shown, status = _after(lines[number:])
            steps.append(Step(command["who"], command["line"], shown, status, number, later))
            later = False
    if not steps:
        raise ValueError("a transcript without a command")
    return Transcript(people, strangers, tuple(steps))


def _names(listed: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in listed.replace(" and ", ",").split(","))


def _after(lines: list[str]) -> tuple[tuple[str, ...], int]:
    """What stands below a command, up to the next empty line or command."""
    shown: list[str] = []
    for line in lines:
        if not line.strip() or _COMMAND.fullmatch(line):
            break
        if ended := _EXIT.fullmatch(line):
            return tuple(shown), int(ended[1])
        shown.append(line)
    return tuple(shown), 0


@dataclass(slots=True)
class Memory:
    """The words that {names} have come to stand for in one story."""

    words: dict[str, str] = field(default_factory=dict)

    def fill(self, line: str) -> str:
        """Put the words in the place of their names."""
        return _NAME.sub(lambda found: self.words.get(found[1], found[0]), line)

    def matches(self, wanted: tuple[str, ...], seen: str) -> bool:
        """Tell whether `seen` is what was `wanted`; learns new words when it is."""
        found = re.fullmatch(self._pattern(wanted), seen)
        if found is None:
            return False
        self.words |= found.groupdict()
        return True

    def _pattern(self, wanted: tuple[str, ...]) -> str:
        known = set(self.words)
        return "".join(r"(?:.*\n)*?" if line == "..." else self._line(line, known) + r"\n" for line in wanted)

    def _line(self, line: str, known: set[str]) -> str:
        pattern = ""
        for part in re.split(r"(\.\.\.|\{\w+\})", self.fill(line)):
            if part == "...":
                pattern += ".*"
            elif named := _NAME.fullmatch(part):
                pattern += rf"(?P={named[1]})" if named[1] in known else rf"(?P<{named[1]}>\S+)"
                known.add(named[1])
            else:
                pattern += re.escape(part)
        return pattern
