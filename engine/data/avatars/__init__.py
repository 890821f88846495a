"""The avatars pack's pictures: people, pixel faces and patterns that DiceBear's styles make up from parts."""
