"""Chances to sell, from discovery to won or lost, and the products sold."""
