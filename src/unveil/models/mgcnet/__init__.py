"""MGCNet (Shang et al. 2020) on the Basel Face Model."""
