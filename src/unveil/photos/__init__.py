"""Pictures: reading and writing, invertible crops, face detection."""
