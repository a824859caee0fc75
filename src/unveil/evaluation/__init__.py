"""Scores of predictions; never holds a model in memory."""
