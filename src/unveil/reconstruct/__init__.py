"""Photograph to heads; writes nothing."""
