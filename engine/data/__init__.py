"""Pictures for training and evaluation: from the emoji font, DiceBear's avatars, any folder, or a pack."""
