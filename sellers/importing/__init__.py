"""Brings in what other systems know: by a mapping file, through the API, as often as you like."""

from sellers.importing.crm import import_crm
from sellers.importing.errors import CrmImportError, MappingError
from sellers.importing.folded import wait_until_folded
from sellers.importing.incidents import import_incidents
from sellers.importing.mapping import Mapping, load_mapping
from sellers.importing.summary import Summary

__all__ = [
    "CrmImportError",
    "Mapping",
    "MappingError",
    "Summary",
    "import_crm",
    "import_incidents",
    "load_mapping",
    "wait_until_folded",
]
