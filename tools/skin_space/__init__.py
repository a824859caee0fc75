"""The space of openhead's skin: learned from photographs, and measured on others."""
