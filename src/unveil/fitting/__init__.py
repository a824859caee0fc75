"""Head models fitted to landmarks."""
