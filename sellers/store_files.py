"""SecantusDB's tables with larger pages. Rule: run by its own Python, before its first start.

A page of its tables may take 5 MB of memory and is then split, but not while a cursor stands on
it. SecantusDB keeps the cursors of a transaction where they are, on the one table that holds the
`_id` of every document; whoever touches a page that is too large and held sleeps about 100 ms, for
each document. Loading the demo company (11,053 facts) took 122 to 203 s with pages of 5 MB, with
158 of 203 s in `page acquire time sleeping`, and 20 s with these, of which none. WiredTiger takes
the size of pages only when a table is made; SecantusDB finds the tables made and goes on.

A page may also not exceed a tenth of what may be dirty in the cache, hence the other two settings,
which WiredTiger reads from its folder at every start.
"""

from __future__ import annotations

import sys
from pathlib import Path

import wiredtiger

PAGE = "128MB"
SHARDS = 16
TABLES = {
    "natural_seq": "key_format=SSu,value_format=q",
    "index_entries": "key_format=SSSu,value_format=u",
    "oplog": "key_format=q,value_format=u",
} | {f"documents_sh{shard}": "key_format=SSq,value_format=u" for shard in range(SHARDS)}
SETTINGS = "eviction_dirty_target=20,eviction_dirty_trigger=80\n"
# As SecantusDB opens it, which else refuses the folder; its own settings are not kept in there.
OPEN = "create,config_base=false,log=(enabled=true,file_max=10MB,prealloc=false)"


def main(home: Path) -> None:
    home.mkdir(parents=True)
    connection = wiredtiger.wiredtiger_open(str(home), OPEN)
    session = connection.open_session()
    for name, formats in TABLES.items():
        session.create(f"table:secantus_{name}", f"{formats},memory_page_max={PAGE}")
    connection.close()
    (home / "WiredTiger.config").write_text(SETTINGS)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
