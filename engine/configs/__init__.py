"""The recipes: sizes of all models and how each is trained, a YAML file each."""

from pathlib import Path

CONFIGS = Path(__file__).parent
