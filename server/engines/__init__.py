"""One module per engine; each imports its libraries inside its own worker process only."""
