"""Campaigns: planned, carried out, answered, sold from, and judged by those who sell."""
