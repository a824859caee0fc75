"""Pictures for people: renders, overlays, sheets, animations."""
