"""Files: written whole or not at all, their names, whose a folder is, and what users bring read within limits."""
