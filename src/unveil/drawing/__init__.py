"""Pictures of meshes: renders, sheets, animations."""
