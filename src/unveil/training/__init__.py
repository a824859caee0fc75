"""Training a learner on the coefficients of a teacher."""
