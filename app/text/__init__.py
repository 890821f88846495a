"""Every word the page shows, one file per language."""
