"""A mixed load as a company makes it, with live percentiles: `make loadtest`.

Locust drives it, in an environment and a process of its own: it patches sockets and threads.
"""
