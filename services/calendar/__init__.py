"""How sellers planned and spent their time."""
