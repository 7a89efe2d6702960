"""Who may do what: rules of routes, tokens of people, keys of systems, and the gate that asks."""
