"""The development issuer: signs people in on one's own machine, and nowhere else."""

# Where it signs people in, and what its tokens say that they come from.
PATH = "/sign-in"
