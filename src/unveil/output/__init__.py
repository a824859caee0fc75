"""Many photographs, moving heads, comparisons, and whether the installation is sound."""
