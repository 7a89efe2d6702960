"""What every document store does, said once: inherit it and provide the fixture `store`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.store import (
    Addition,
    Document,
    DocumentTooLargeError,
    DuplicateKeyError,
    Store,
    StoreError,
    WriteConflictError,
)

DEALS: Sequence[Document] = (
    {"_id": "a", "stage": "won", "value": 10, "owner": {"name": "Kim"}, "tags": ["hot", "new"]},
    {"_id": "b", "stage": "lost", "value": 20, "owner": {"name": "Lee"}, "tags": []},
    {"_id": "c", "stage": "won", "value": 30, "owner": {"name": "Kim"}, "tags": ["new"]},
    {"_id": "d", "stage": "open", "value": None, "people": [{"id": "p1"}, {"id": "p2"}]},
)


class Documents:
    """Documents by id, small queries, single writes."""

    @pytest.fixture
    async def store(self) -> Store:
        """Return an empty store; the suite's heir says which."""
        raise NotImplementedError

    async def test_a_document_comes_back_as_it_was_put(self, store: Store) -> None:
        whole = {
            "_id": "one",
            "text": "안녕하세요",
            "number": 2**53 + 1,
            "fraction": 0.1,
            "truth": True,
            "nothing": None,
            "bytes": b"\x00\xff",
            "list": [1, "two", {"three": [3]}],
            "nested": {"deep": {"er": 1}},
            "at": datetime(2026, 2, 3, 4, 5, 6, 789_000, tzinfo=UTC),
        }
        await store.put_many("things", [whole])
        assert await store.get("things", "one") == whole

    async def test_what_was_read_is_the_readers_own(self, store: Store) -> None:
        await store.put_many("things", [{"_id": "one", "list": [1]}])
        first = await store.get("things", "one")
        assert first is not None
        first["list"].append(2)
        assert await store.get("things", "one") == {"_id": "one", "list": [1]}

    async def test_what_was_written_is_the_stores_own(self, store: Store) -> None:
        mine: Document = {"_id": "one", "list": [1]}
        await store.put_many("things", [mine])
        mine["list"].append(2)
        assert await store.get("things", "one") == {"_id": "one", "list": [1]}

    async def test_a_missing_document_is_none(self, store: Store) -> None:
        assert await store.get("things", "nobody") is None

    async def test_many_are_asked_for_at_once(self, store: Store) -> None:
        await store.put_many("things", [{"_id": f"{n:03}", "n": n} for n in range(120)])
        asked = [f"{n:03}" for n in range(0, 240, 2)]
        found = await store.get_many("things", asked)
        assert found == {f"{n:03}": {"_id": f"{n:03}", "n": n} for n in range(0, 120, 2)}
        assert await store.get_many("things", []) == {}

    async def test_putting_replaces_the_whole_document(self, store: Store) -> None:
        await store.put_many("things", [{"_id": "one", "old": 1}])
        await store.put_many("things", [{"_id": "one", "new": 2}])
        assert await store.get("things", "one") == {"_id": "one", "new": 2}

    async def test_writing_nothing_is_no_error(self, store: Store) -> None:
        await store.insert_many("things", [])
        await store.put_many("things", [])
        await store.add_many("things", [])
        await store.delete_many("things", [])
        async with store.transaction() as tx:
            await tx.insert_many("things", [])
            await tx.put_many("things", [])
            await tx.add_many("things", [])
            await tx.delete_many("things", [])
        assert await store.count("things", {}) == 0

    async def test_an_id_is_inserted_once(self, store: Store) -> None:
        await store.insert_many("things", [{"_id": "one", "by": "first"}])
        with pytest.raises(DuplicateKeyError):
            await store.insert_many("things", [{"_id": "one", "by": "second"}])
        assert await store.get("things", "one") == {"_id": "one", "by": "first"}

    async def test_deleting_takes_only_those_named(self, store: Store) -> None:
        await store.put_many("deals", DEALS)
        await store.delete_many("deals", ["a", "c", "nobody"])
        assert sorted(d["_id"] for d in await store.find("deals", {})) == ["b", "d"]

    async def test_adding_makes_the_document_once(self, store: Store) -> None:
        addition = Addition("k", {"count": 2, "days.07": 5}, blank={"month": "2026-01"})
        await store.add_many("cells", [addition])
        again = Addition("k", {"count": -1, "days.07": 1, "days.09": 4}, blank={"month": "other"})
        await store.add_many("cells", [again, again])
        assert await store.get("cells", "k") == {
            "_id": "k",
            "month": "2026-01",
            "count": 0,
            "days": {"07": 7, "09": 8},
        }

    @pytest.mark.parametrize(
        ("where", "expected"),
        [
            ({}, "abcd"),
            ({"stage": "won"}, "ac"),
            ({"stage": "won", "value": 10}, "a"),
            ({"owner.name": "Kim"}, "ac"),
            ({"tags": "new"}, "ac"),
            ({"people.id": "p2"}, "d"),
            ({"value": None}, "d"),
            ({"owner.name": None}, "d"),
            ({"stage": {"$in": ["lost", "open"]}}, "bd"),
            ({"_id": {"$in": ["a", "b", "z"]}}, "ab"),
            ({"tags": {"$in": ["hot", "cold"]}}, "a"),
            ({"stage": {"$in": []}}, ""),
            ({"stage": {"$ne": "won"}}, "bd"),
            ({"tags": {"$ne": "new"}}, "bd"),
            ({"value": {"$gt": 10}}, "bc"),
            ({"value": {"$gte": 10, "$lt": 30}}, "ab"),
            ({"value": {"$lte": 10}}, "a"),
            ({"value": {"$gt": "10"}}, ""),
            ({"value": {"$not": {"$gte": 20}}}, "ad"),
            ({"owner.name": {"$not": {"$gte": "Lee"}}}, "acd"),
            ({"_id": {"$gt": "b"}, "stage": "won"}, "c"),
        ],
    )
    async def test_a_query_finds(self, store: Store, where: dict[str, Any], expected: str) -> None:
        await store.put_many("deals", DEALS)
        found = await store.find("deals", where)
        assert sorted(deal["_id"] for deal in found) == list(expected)
        assert await store.count("deals", where) == len(expected)
        async with store.transaction() as tx:
            within = await tx.find("deals", where)
            assert sorted(deal["_id"] for deal in within) == list(expected)

    async def test_numbers_are_not_booleans(self, store: Store) -> None:
        await store.put_many("flags", [{"_id": "n", "is": 1}, {"_id": "b", "is": True}])
        assert [d["_id"] for d in await store.find("flags", {"is": True})] == ["b"]

    async def test_answers_are_sorted_and_limited(self, store: Store) -> None:
        await store.put_many("deals", DEALS)
        by_value = await store.find("deals", {}, sort=(("value", -1),), limit=2)
        assert [deal["_id"] for deal in by_value] == ["c", "b"]
        assert await store.find("deals", {}, limit=0) == []
        by_both = await store.find("deals", {}, sort=(("stage", -1), ("value", -1)))
        assert [deal["_id"] for deal in by_both] == ["c", "a", "d", "b"]
        assert (await store.find("deals", {}, sort=(("value", 1),)))[0]["_id"] == "d"  # null first

    async def test_only_the_fields_asked_for_come_back(self, store: Store) -> None:
        await store.put_many("deals", DEALS)
        (kim,) = await store.find("deals", {"_id": "a"}, fields=("stage", "owner.name", "none"))
        assert kim == {"_id": "a", "stage": "won", "owner": {"name": "Kim"}}

    async def test_a_document_too_large_is_refused(self, store: Store) -> None:
        huge = {"_id": "huge", "text": "x" * (17 * 1024 * 1024)}
        with pytest.raises(DocumentTooLargeError):
            await store.put_many("things", [huge])
        with pytest.raises(DocumentTooLargeError):
            async with store.transaction() as tx:
                await tx.put_many("things", [{"_id": "small"}])
                await tx.put_many("things", [huge])
        assert await store.count("things", {}) == 0

    @pytest.mark.parametrize("value", [2**63, {1, 2}, object(), "\ud800"])
    async def test_what_has_no_encoding_is_refused(self, store: Store, value: Any) -> None:
        with pytest.raises(StoreError):
            await store.put_many("things", [{"_id": "a", "value": value}])
        with pytest.raises(StoreError):
            async with store.transaction() as tx:
                await tx.put_many("things", [{"_id": "a", "value": value}])
        assert await store.count("things", {}) == 0

    async def test_a_collection_is_dropped(self, store: Store) -> None:
        await store.put_many("old", [{"_id": "1"}])
        await store.put_many("new", [{"_id": "1"}])
        assert {"old", "new"} <= set(await store.collections())
        await store.drop("old")
        assert "old" not in await store.collections()
        assert await store.find("old", {}) == []
        assert await store.count("new", {}) == 1
        await store.drop("never was")

    async def test_it_answers(self, store: Store) -> None:
        await store.ping()


class Indexes:
    """A unique index refuses a second holder of its key."""

    async def test_a_unique_key_is_held_once(self, store: Store) -> None:
        await store.ensure_index("journal", ("stream", "version"), unique=True)
        await store.ensure_index("journal", ("stream", "version"), unique=True)
        await store.insert_many("journal", [{"_id": "1", "stream": "s", "version": 1}])
        with pytest.raises(DuplicateKeyError):
            await store.insert_many("journal", [{"_id": "2", "stream": "s", "version": 1}])
        await store.insert_many("journal", [{"_id": "3", "stream": "s", "version": 2}])
        assert await store.count("journal", {}) == 2

    async def test_putting_respects_a_unique_key(self, store: Store) -> None:
        await store.ensure_index("people", ("email",), unique=True)
        await store.put_many("people", [{"_id": "1", "email": "a"}, {"_id": "2", "email": "b"}])
        await store.put_many("people", [{"_id": "1", "email": "a", "name": "Ada"}])
        with pytest.raises(DuplicateKeyError):
            await store.put_many("people", [{"_id": "2", "email": "a"}])
        assert await store.get("people", "2") == {"_id": "2", "email": "b"}

    async def test_a_released_key_may_be_taken(self, store: Store) -> None:
        await store.ensure_index("people", ("email",), unique=True)
        await store.put_many("people", [{"_id": "1", "email": "a"}])
        await store.put_many("people", [{"_id": "1", "email": "b"}])
        await store.insert_many("people", [{"_id": "2", "email": "a"}])
        await store.delete_many("people", ["1"])
        await store.insert_many("people", [{"_id": "3", "email": "b"}])
        assert await store.count("people", {}) == 2

    async def test_an_index_is_no_condition(self, store: Store) -> None:
        await store.ensure_index("people", ("city",))
        await store.put_many("people", [{"_id": "1", "city": "Seoul"}, {"_id": "2"}])
        assert [d["_id"] for d in await store.find("people", {"city": "Seoul"})] == ["1"]

    async def test_a_transaction_respects_a_unique_key(self, store: Store) -> None:
        await store.ensure_index("journal", ("stream", "version"), unique=True)
        await store.insert_many("journal", [{"_id": "1", "stream": "s", "version": 1}])
        with pytest.raises(DuplicateKeyError):
            async with store.transaction() as tx:
                await tx.insert_many("commands", [{"_id": "c"}])
                await tx.insert_many("journal", [{"_id": "2", "stream": "s", "version": 1}])
        assert await store.count("commands", {}) == 0
        assert await store.count("journal", {}) == 1

    async def test_two_transactions_cannot_claim_one_key(self, store: Store) -> None:
        await store.ensure_index("journal", ("stream", "version"), unique=True)
        await store.insert_many("journal", [{"_id": "0", "stream": "s", "version": 0}])
        with pytest.raises((WriteConflictError, DuplicateKeyError)):
            async with store.transaction() as second:
                await second.find("journal", {})
                async with store.transaction() as first:
                    await first.insert_many("journal", [{"_id": "1", "stream": "s", "version": 1}])
                await second.insert_many("journal", [{"_id": "2", "stream": "s", "version": 1}])
        assert {d["_id"] for d in await store.find("journal", {})} == {"0", "1"}


class Transactions:
    """A snapshot to read from and writes that happen together or not at all."""

    async def test_all_writes_happen_together(self, store: Store) -> None:
        await store.put_many("views", [{"_id": "old"}, {"_id": "gone"}])
        async with store.transaction() as tx:
            await tx.insert_many("heads", [{"_id": "s", "version": 1}])
            await tx.put_many("views", [{"_id": "old", "n": 1}])
            await tx.add_many("cells", [Addition("k", {"n": 3})])
            await tx.delete_many("views", ["gone"])
            assert await store.get("heads", "s") is None
            assert await store.get("views", "gone") == {"_id": "gone"}
        assert await store.get("heads", "s") == {"_id": "s", "version": 1}
        assert await store.find("views", {}) == [{"_id": "old", "n": 1}]
        assert await store.get("cells", "k") == {"_id": "k", "n": 3}

    async def test_nothing_happens_when_the_block_raises(self, store: Store) -> None:
        await store.put_many("views", [{"_id": "a", "n": 1}])
        with pytest.raises(ZeroDivisionError):
            async with store.transaction() as tx:
                await tx.put_many("views", [{"_id": "a", "n": 2}, {"_id": "b"}])
                raise ZeroDivisionError
        assert await store.find("views", {}) == [{"_id": "a", "n": 1}]

    async def test_it_reads_its_own_writes(self, store: Store) -> None:
        await store.put_many("views", [{"_id": "a", "n": 1}, {"_id": "b", "n": 1}])
        async with store.transaction() as tx:
            await tx.put_many("views", [{"_id": "a", "n": 2}, {"_id": "c", "n": 2}])
            await tx.delete_many("views", ["b"])
            assert await tx.get("views", "a") == {"_id": "a", "n": 2}
            assert set(await tx.get_many("views", ["a", "b", "c"])) == {"a", "c"}
            assert await tx.count("views", {"n": 2}) == 2
            assert await tx.find("views", {"n": 1}) == []

    async def test_it_sees_one_moment(self, store: Store) -> None:
        await store.put_many("views", [{"_id": "a", "n": 1}])
        async with store.transaction() as tx:
            assert await tx.get("views", "a") == {"_id": "a", "n": 1}
            await store.put_many("views", [{"_id": "a", "n": 2}, {"_id": "b", "n": 2}])
            assert await tx.get("views", "a") == {"_id": "a", "n": 1}
            assert await tx.get("views", "b") is None
            assert await tx.count("views", {}) == 1
        assert await store.get("views", "a") == {"_id": "a", "n": 2}

    async def test_the_second_writer_of_a_document_conflicts(self, store: Store) -> None:
        await store.put_many("views", [{"_id": "a", "n": 0}, {"_id": "b", "n": 0}])
        with pytest.raises(WriteConflictError):
            async with store.transaction() as second:
                await second.get("views", "a")
                await second.put_many("views", [{"_id": "b", "n": 2}])
                async with store.transaction() as first:
                    held = await first.get("views", "a")
                    assert held is not None
                    await first.put_many("views", [{"_id": "a", "n": held["n"] + 1}])
                await second.put_many("views", [{"_id": "a", "n": 2}])
        assert await store.find("views", {}, sort=(("_id", 1),)) == [
            {"_id": "a", "n": 1},
            {"_id": "b", "n": 0},
        ]

    async def test_a_single_write_also_comes_first(self, store: Store) -> None:
        await store.put_many("views", [{"_id": "a", "n": 0}])
        with pytest.raises(WriteConflictError):
            async with store.transaction() as tx:
                await tx.get("views", "a")
                await store.put_many("views", [{"_id": "a", "n": 1}])
                await tx.put_many("views", [{"_id": "a", "n": 2}])
        assert await store.get("views", "a") == {"_id": "a", "n": 1}

    async def test_additions_conflict_too(self, store: Store) -> None:
        await store.add_many("cells", [Addition("k", {"n": 1})])
        with pytest.raises(WriteConflictError):
            async with store.transaction() as tx:
                await tx.get("cells", "k")
                await store.add_many("cells", [Addition("k", {"n": 1})])
                await tx.add_many("cells", [Addition("k", {"n": 1})])
        assert await store.get("cells", "k") == {"_id": "k", "n": 2}

    async def test_writers_of_different_documents_do_not_conflict(self, store: Store) -> None:
        await store.put_many("views", [{"_id": "a"}, {"_id": "b"}])
        async with store.transaction() as second:
            await second.get("views", "b")
            async with store.transaction() as first:
                await first.put_many("views", [{"_id": "a", "n": 1}])
            await second.put_many("views", [{"_id": "b", "n": 1}])
        assert await store.count("views", {"n": 1}) == 2

    async def test_an_id_is_inserted_once(self, store: Store) -> None:
        await store.insert_many("commands", [{"_id": "c"}])
        with pytest.raises(DuplicateKeyError):
            async with store.transaction() as tx:
                await tx.put_many("journal", [{"_id": "f"}])
                await tx.insert_many("commands", [{"_id": "c"}])
        assert await store.get("journal", "f") is None

    async def test_it_does_not_survive_its_failure(self, store: Store) -> None:
        await store.insert_many("commands", [{"_id": "c"}])
        with pytest.raises(StoreError):
            async with store.transaction() as tx:
                await tx.put_many("journal", [{"_id": "f"}])
                with pytest.raises(DuplicateKeyError):
                    await tx.insert_many("commands", [{"_id": "c"}])
                # Whoever carries on after a failure must not believe that anything was written.
        assert await store.get("journal", "f") is None

    async def test_work_that_conflicted_may_be_tried_again(self, store: Store) -> None:
        await store.put_many("cells", [{"_id": "k", "n": 0}])
        for attempt in range(2):
            try:
                async with store.transaction() as tx:
                    held = await tx.get("cells", "k")
                    assert held is not None
                    if attempt == 0:
                        await store.put_many("cells", [{"_id": "k", "n": 5}])
                    await tx.put_many("cells", [{"_id": "k", "n": held["n"] + 1}])
            except WriteConflictError:
                assert attempt == 0
        assert await store.get("cells", "k") == {"_id": "k", "n": 6}


class StoreContract(Documents, Indexes, Transactions):
    """Everything above. Collections are made on first use."""
