"""How the command line fails: one line on standard error, and an exit code that says so."""

from __future__ import annotations

import io
import sys
import tempfile
import traceback
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from sellers.client import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FAILED, INTERRUPTED = 1, 130

# Typer brings its own click or uses the installed one, depending on its version; the base of all
# errors in how a command was typed is the same class's ancestor in both.
TypedWrongly: type[Any] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)


class CommandError(Exception):
    """What was asked for cannot be done; the message is the one line."""


class OneLineErrors(TyperGroup):
    """Turns what a command raises into one line and an exit code."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: FBT001, FBT002 - click's signature
        windows_expand_args: bool = True,  # noqa: FBT001, FBT002
        **extra: Any,
    ) -> Any:
        def run() -> Any:
            return super(OneLineErrors, self).main(
                args,
                prog_name,
                complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )

        if not standalone_mode:
            return run()
        if isinstance(sys.stdout, io.TextIOWrapper):
            # Names are in any script; a terminal that lacks it shows their code points.
            sys.stdout.reconfigure(errors="backslashreplace")
        sys.exit(exit_code(run))


def exit_code(run: Callable[[], Any]) -> int:
    """Run a command and say with which code to exit; complain in one line where it fails."""
    try:
        code = run()
    except (ApiError, CommandError, OSError) as error:
        complain(str(error))
        return FAILED
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except TypedWrongly as error:
        where = getattr(getattr(error, "ctx", None), "command_path", "sellers")
        # What the parser of a value sets before its words is news to nobody.
        told = error.format_message().replace("Value error, ", "")
        complain(f"{told} (see `{where} --help`)")
        return int(error.exit_code)
    except Exception as error:  # noqa: BLE001 - a mistake of ours is told in one line, too
        complain(f"{type(error).__name__}: {error} ({kept(error)})")
        return FAILED
    return code if isinstance(code, int) else 0


def kept(error: Exception) -> str:
    """Keep the traceback for whoever looks into it, and say where."""
    lines = traceback.format_exception(error)
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", prefix="sellers-", suffix=".txt", delete=False
        ) as file:
            file.writelines(lines)
    except OSError:
        return "the details could not be written"
    return f"the details are in {file.name}"


def complain(message: str) -> None:
    """Say it in one line, whatever the message holds."""
    typer.echo(f"sellers: {' '.join(message.split())}", err=True)
