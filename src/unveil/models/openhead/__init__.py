"""openhead, the open family: its head model."""
