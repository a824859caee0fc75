"""Where `load_pool` used to be; for callers that have not moved yet."""

from unveil.imaging.occluders import Cutouts, MaskTemplates, load_pool

__all__ = ["Cutouts", "MaskTemplates", "load_pool"]
