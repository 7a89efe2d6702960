"""The whole platform in memory, and everything that nobody should send to it."""
