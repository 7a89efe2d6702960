"""A company to look at: a year of selling, made up from a seed, the same every time."""

from sellers.demo.generator import SIZE, demo_company
from sellers.demo.items import Item
from sellers.demo.load import DemoError, hand_over_what_is_left, load_demo

__all__ = ["SIZE", "DemoError", "Item", "demo_company", "hand_over_what_is_left", "load_demo"]
