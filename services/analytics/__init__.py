"""Live figures over the facts of all domains, each with the answer to why it is so."""
