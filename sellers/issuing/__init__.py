"""The development issuer: signs people in on one's own machine, and nowhere else."""
