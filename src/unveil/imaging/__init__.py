"""Pictures: reading and writing, face detection, invertible crops, painted occluders."""
