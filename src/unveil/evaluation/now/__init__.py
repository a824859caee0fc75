"""The NoW benchmark: predictions for it, and their scores."""
