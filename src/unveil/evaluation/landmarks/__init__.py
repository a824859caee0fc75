"""Landmarks of annotated photographs, clear and occluded: predictions and their scores."""
