"""unveil: from one photograph, in which something may hide part of the face, to an animatable 3D head."""
