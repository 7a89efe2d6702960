"""The command line and the one-machine composition. Rule: nobody imports this package."""
