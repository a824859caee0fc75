"""Heads in the browser: one page, built from ``viewer/`` and packed here."""
