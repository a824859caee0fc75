"""From photographs to a folder of crops to train on."""
