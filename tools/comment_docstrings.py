"""Let the Python reference show the comments that stand after the fields of our dataclasses (an extension for Griffe).

    vertices: Floats  # [V, 3] model space: with expression and pose

Shapes and units stand there, so that code and reference say them once.
"""

from __future__ import annotations

from typing import Any

import griffe


class CommentDocstrings(griffe.Extension):
    """A field without a docstring takes the comment on its own line."""

    def on_attribute_instance(self, *, attr: griffe.Attribute, **_: Any) -> None:
        """Called for every attribute that is found."""
        _, mark, comment = attr.source.partition("  # ")
        if mark and attr.docstring is None and "\n" not in comment:
            attr.docstring = griffe.Docstring(comment.strip(), parent=attr, lineno=attr.lineno)
