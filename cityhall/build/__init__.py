"""What is made from other files of the project, on set-up: the front end and the translations."""

from rich.console import Console

console = Console(stderr=True, highlight=False)
