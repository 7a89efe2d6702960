"""Kills: the whole platform as `sellers up` runs it, with kill -9 amid an import and live touches.

`python -m tests.faults --engine embedded|kafka --seeds N` plays N seeds; each says whom it killed
with which backlog, and what was wrong afterwards. Rule: only what a client can see is asserted.
"""
