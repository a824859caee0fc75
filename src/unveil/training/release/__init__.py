"""From a trained run to a measured file that reconstruction reads."""
