"""Glasses and goggles worn on the head."""
