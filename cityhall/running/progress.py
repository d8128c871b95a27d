"""Progress on the terminal: what is being done, how far it is, how long it took."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Report = Callable[[str, float], None]

console = Console(stderr=True, highlight=False)


@contextmanager
def steps() -> Iterator[Callable[[str], Report]]:
    """Gives a function that begins a named step and returns its reporter (what, share from 0 to 1).

    A step is done when the next one begins or the block ends; where it fails its bar stays where it was.
    """
    columns = (
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("[dim]{task.fields[what]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        open_step: list[int] = []

        def finish() -> None:
            for task in open_step:
                progress.update(task, completed=1.0, what="")  # type: ignore[arg-type]
            open_step.clear()

        def begin(name: str) -> Report:
            finish()
            task = progress.add_task(name, total=1.0, what="")
            open_step.append(task)

            def report(what: str, share: float) -> None:
                # A bar that is full before the step is over would lie.
                progress.update(task, completed=min(share, 0.99), what=what)

            return report

        yield begin
        finish()
