"""PaddleX serving's wire format: what its clients send, and what they read."""
