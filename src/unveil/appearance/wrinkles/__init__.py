"""Wrinkles: where skin may have them, what a photograph shows of them, and the relief that explains it."""
