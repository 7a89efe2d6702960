"""Deterministic simulation: the real journal, publisher, projector, policies and view publishers.

They run over the ports in memory, on an event loop with virtual time and a seeded order. One seed
is one history: `python -m tests.simulation SEED` plays it again, `--seeds 1000` plays a thousand.
"""
