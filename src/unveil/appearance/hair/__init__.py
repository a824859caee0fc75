"""Hair: where a photograph shows it, the cap that has its shape, and the picture on that cap."""
