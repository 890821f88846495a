"""Every word that the page shows, in English."""
