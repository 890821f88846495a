"""Public checkpoints become packs: see README.md beside this file."""
