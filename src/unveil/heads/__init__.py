"""Head models: coefficients with names, linear shape with skinning, landmarks, placement. Knows `geometry` alone."""
