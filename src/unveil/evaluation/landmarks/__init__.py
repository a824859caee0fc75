"""Landmarks of annotated photographs, clear and covered: predictions and their scores."""
