"""The colours of a head from a photograph: what was seen, and what has to be completed."""
