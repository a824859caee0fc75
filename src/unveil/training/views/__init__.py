"""Changes to a sample as its photograph shows it: bad framing, other light, another camera."""
