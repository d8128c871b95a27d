"""What is wrong with a feed: where, what, and how to mend it."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning", "notice"]
KEPT = 20
"""Problems of one kind that are kept with their line; the rest are only counted."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong. `line` is 1-based with the header as line 1, 0 where no line is at fault."""

    severity: Severity
    code: str
    file: str
    line: int
    field: str
    message: str
    mend: str

    def __str__(self) -> str:
        place = f"{self.file}, line {self.line}" if self.line else self.file
        return f"{self.severity}: {place}: {self.message} {self.mend}"


@dataclass(slots=True)
class Report:
    """Every problem of a feed, at most KEPT of each kind, and how many there were of each."""

    problems: list[Problem] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(
        self,
        severity: Severity,
        code: str,
        file: str,
        message: str,
        mend: str,
        *,
        line: int = 0,
        field: str = "",
        count: int = 1,
    ) -> None:
        """Notes a problem, `count` times where one line stands for many."""
        if self.counts[code] < KEPT:
            self.problems.append(Problem(severity, code, file, line, field, message, mend))
        self.counts[code] += count

    def fail(self, code: str, file: str, message: str, mend: str, *, line: int = 0, field: str = "") -> FeedError:
        """Notes an error that makes the feed unusable and returns what to raise."""
        self.add("error", code, file, message, mend, line=line, field=field)
        return FeedError(self)

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.severity == "error"]

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {"problems": [asdict(problem) for problem in self.problems], "counts": dict(+self.counts)}

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems]
        more = {
            code: count - sum(problem.code == code for problem in self.problems) for code, count in self.counts.items()
        }
        lines += [f"... and {count} more of {code}" for code, count in more.items() if count > 0]
        return "\n".join(lines)


class FeedError(ValueError):
    """The feed cannot be used. `report` says all that was found until then."""

    def __init__(self, report: Report) -> None:
        errors = report.errors
        super().__init__(str(errors[-1]) if errors else "the feed cannot be used")
        self.report = report
