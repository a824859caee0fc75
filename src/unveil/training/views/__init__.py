"""Changes to how a photograph shows a sample: bad framing, other light, another camera."""
