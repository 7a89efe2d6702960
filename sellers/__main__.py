"""Starts the command line: the script `sellers`, and `python -m sellers` where it is not there."""

import sys


def main() -> None:
    """Run it; who gives up while it still loads is answered as at any other time."""
    try:
        from sellers.cli import app  # noqa: PLC0415 - most of the time before a command is this
    except KeyboardInterrupt:
        sys.exit(130)
    app()


if __name__ == "__main__":
    main()
