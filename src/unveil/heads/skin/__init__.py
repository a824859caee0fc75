"""Skin of heads: its colours, its relief, and the dense mesh that relief is drawn on."""
