"""Files that are whole or not there, names for them, and whose a folder is."""
