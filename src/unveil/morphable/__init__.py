"""Head models: coefficient layouts, linear shape with skinning, landmarks; one file per model family."""
