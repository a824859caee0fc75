"""Classes of the pixels of crops whose heads are known; a learner is trained to predict them."""
