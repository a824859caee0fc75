"""Tables in Markdown, printed row by row as they come."""

from unveil import markdown


def print_header(*names: str) -> None:
    """Begin a table."""
    print("\n".join(markdown.header(names)), flush=True)


def print_row(*cells: object) -> None:
    """Print a row; numbers are formatted by the caller."""
    print(markdown.row(cells), flush=True)
