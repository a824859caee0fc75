"""How training shows a sample otherwise than its photograph does: framed badly, in other light, by another camera."""
