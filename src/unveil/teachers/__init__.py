"""From a clear crop to coefficients: the labels a learner is trained on."""
