"""Tables in Markdown, printed row by row as they come."""


def print_header(*names: str) -> None:
    """Begin a table."""
    print_row(*names)
    print("|" + "---|" * len(names))


def print_row(*cells: object) -> None:
    """Print a row; numbers are formatted by the caller."""
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)
