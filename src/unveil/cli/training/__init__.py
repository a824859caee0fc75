"""Photographs to a learner."""
