"""Photographs to a folder of crops to train on."""
