"""Coefficients of many crops in files, and their way back to geometry."""
