"""One file per part of the page: each builds components and holds no events."""
