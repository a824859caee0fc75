"""Head models: named coefficients, linear shape with skinning, landmarks, placement. Imports `geometry` only."""
