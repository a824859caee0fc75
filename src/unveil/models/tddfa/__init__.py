"""3DDFA_V2 (Guo et al. 2020) on the Basel Face Model."""
