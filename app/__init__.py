"""The page. It shows the Steps that the engine makes, and never samples, scores or masks itself."""
