"""Why an import cannot begin or go on. Rule: one line that names the file and the place in it."""

from __future__ import annotations

from sellers.errors import CommandError


class CrmImportError(CommandError):
    """The import as a whole is impossible; a single bad row never is a reason."""


class MappingError(CrmImportError):
    """The mapping file does not say what it has to."""
