"""The Model Context Protocol (modelcontextprotocol.io): the tools and resources behind `/mcp`.

All but `message` is loaded by the first call, because the SDK is large.
"""
