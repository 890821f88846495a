"""Training: one loop; per model a file that knows its loss and nothing else."""
