"""The command-line client, `offline-ocr`. It knows the server by its HTTP API alone and imports nothing of the rest."""
