"""`python -m sellers`: the command line, where the script is not on the path."""

from sellers.cli import app

app()
