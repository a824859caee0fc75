"""From a photograph to heads, without torch."""
