"""Wrinkles: where skin may have them, how a photograph shows them, and the relief that explains that."""
