"""A reconstructed face: what is known of it, its pictures and its files."""
