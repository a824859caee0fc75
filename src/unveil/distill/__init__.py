"""Training a learner on a teacher's coefficients, and exporting it."""
