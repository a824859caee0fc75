"""Torch modules that turn crops into coefficients; no files, no pictures."""
