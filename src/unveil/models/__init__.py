"""What turns crops into coefficients: one protocol, one registry, and a folder for each family."""
