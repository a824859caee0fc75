"""DECA (Feng et al. 2021) on FLAME (Li et al. 2017)."""
