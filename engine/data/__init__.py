"""Pictures for training and evaluation: the emoji font, any folder, and a pack's own copy."""
