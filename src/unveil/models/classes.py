"""The classes of a crop's pixels, and the map of cells in which a learner predicts them."""

CLASSES = ("background", "skin", "hair", "brows", "eyes", "lips", "mouth", "cloth", "occluder")
BACKGROUND, SKIN, HAIR, BROWS, EYES, LIPS, MOUTH, CLOTH, OCCLUDER = range(len(CLASSES))
UNKNOWN = 255  # of a label, not of a map that a learner gives
CLASS_SIZE = 56  # cells per side of the map
