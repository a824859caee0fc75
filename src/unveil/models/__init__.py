"""Encoders, which turn crops into coefficients: one protocol, one registry, and a folder for each family."""
