"""What is wrong with a file that describes a matter, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import N_, GuichengError, Sentence


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that is wrong: the place as the writer of the file sees it, and what to do.

    Both are sentences, to be said in the language of who asks.
    """

    where: str
    what: str

    @property
    def sentence(self) -> str:
        """The place and what is wrong with it."""
        if not self.where:
            return self.what
        return Sentence(N_("%(where)s：%(what)s"), where=self.where, what=self.what)

    def __str__(self) -> str:
        return str(self.sentence)


class FileWrong(GuichengError):
    """A file that cannot be judged; all that is wrong with it at once."""

    code = "matter-file"

    def __init__(self, problems: Sequence[Wrong]) -> None:
        super().__init__("\n".join(map(str, problems)).replace("%", "%%"))
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


class Places:
    """Where the parts of a file stand: ``steps[2].data.due`` → ``第 41 行``, or a cell."""

    def __init__(self, lines: dict[str, str] | None = None) -> None:
        self._known = lines or {}

    def __call__(self, path: str) -> str:
        """Return how to find a part; what has no place of its own stands at what holds it."""
        part = path
        while part:
            if part in self._known:
                found = self._known[part]
                if found.startswith("表"):  # a cell says it all
                    return found
                return Sentence(N_("%(place)s，%(path)s"), place=found, path=path)
            cut = max(part.rfind("."), part.rfind("["))
            part = part[:cut] if cut > 0 else ""
        return path
