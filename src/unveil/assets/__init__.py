"""The files that the package carries, and where the user's own model files are found."""
