"""A company to look at: a year of selling, made up from a seed, the same every time."""
