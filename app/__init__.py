"""The page: shows the Steps that the engine makes. Nothing here samples, scores or masks."""
