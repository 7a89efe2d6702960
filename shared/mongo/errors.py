"""The driver's errors, said in the words of the port. Rule: none of them gets past here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bson.errors import BSONError
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DocumentTooLarge,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)

from shared.store import (
    DocumentTooLargeError,
    DuplicateKeyError,
    StoreError,
    TransientStoreError,
    WriteConflictError,
)

CONFLICT, UNIQUE = frozenset({112}), frozenset({11000, 11001, 12582})
TOO_LARGE = frozenset({257, 10334, 17419, 17420})
# The server is stepping down, shutting down, interrupted, out of time or out of its snapshot.
AWAY = frozenset(
    {6, 7, 24, 43, 50, 64, 89, 91, 189, 237, 246, 251, 262, 290, 9001}
    | {10107, 11600, 11601, 11602, 13388, 13435, 13436}
)


def store_error(error: Exception) -> StoreError:
    """Say a driver's error in the words of the port."""
    codes = _codes(error)
    reason = _reason(error)
    if isinstance(error, DocumentTooLarge) or codes & TOO_LARGE:
        return DocumentTooLargeError(reason)
    if codes & CONFLICT:
        return WriteConflictError(reason)
    if codes & UNIQUE:
        return DuplicateKeyError(reason)
    labelled = isinstance(error, PyMongoError) and (
        error.has_error_label("TransientTransactionError")
        or error.has_error_label("RetryableWriteError")
    )
    away = isinstance(error, (ConnectionFailure, ExecutionTimeout, WriteConcernError))
    if away or labelled or codes & AWAY:
        return TransientStoreError(reason)
    # What cannot be encoded (an integer beyond 64 bits, a lone surrogate) ends here too: it never
    # will be, so a projector bisects the batch until it has found what is to blame.
    return StoreError(reason)


def _reason(error: Exception) -> str:
    if isinstance(error, BulkWriteError) and error.details.get("writeErrors"):
        return str(error.details["writeErrors"][0].get("errmsg", error))
    return str(error).partition(", full error:")[0]


def _codes(error: Exception) -> set[int]:
    if isinstance(error, BulkWriteError):
        return {each["code"] for each in error.details.get("writeErrors", ())}
    if isinstance(error, OperationFailure) and error.code is not None:
        return {error.code}
    return set()


@contextmanager
def in_our_words() -> Iterator[None]:
    try:
        yield
    except (PyMongoError, BSONError, OverflowError, UnicodeEncodeError) as error:
        raise store_error(error) from error


def outcome_unknown(error: StoreError) -> bool:
    """Say whether a commit that failed may have happened all the same."""
    cause = error.__cause__
    label = "UnknownTransactionCommitResult"
    return isinstance(cause, PyMongoError) and cause.has_error_label(label)
