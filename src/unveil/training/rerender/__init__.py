"""Photographs re-rendered with other heads: pictures that look like photographs, with exact coefficients."""
