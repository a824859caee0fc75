"""People in clips: frames are read, followed and written one after the other; none is kept."""
