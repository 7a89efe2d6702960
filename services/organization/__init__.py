"""Who works here, in which unit, under whom, and since when."""
