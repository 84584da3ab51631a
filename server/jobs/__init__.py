"""Durable jobs: documents that are read without anybody holding a connection open, and survive the server's end.

routes ──► JobStore (SQLite, uploads on disk) ◄── JobRunner ──► pipeline
               │                                                    │
               └──► events, results ◄── a page at a time ───────────┘
"""
