"""Programs around the server; each runs by itself."""
