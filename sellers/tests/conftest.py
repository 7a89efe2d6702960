"""Fixtures of more than one file."""

from __future__ import annotations

from sellers.tests.admitted import platform

__all__ = ["platform"]
