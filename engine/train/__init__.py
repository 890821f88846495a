"""Training: one loop, and for each model a file with its loss."""
