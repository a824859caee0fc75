"""Photographs or landmarks to heads."""
