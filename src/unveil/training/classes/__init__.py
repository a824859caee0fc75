"""Classes of the pixels of crops whose heads are known, so that a learner can tell them without a head."""
