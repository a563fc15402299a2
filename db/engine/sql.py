"""One SQL for both databases. Parameters are `$1`, `$2`.

- `$each3 b` is a table `b` with a column `value`; it holds the numbers that `each` turned into parameter 3.
- `$rows2 r(a, b::text)` is a table made from parameter 2, a JSON array of arrays.
- `JOIN $lookup(message m: m.id = h.id)` looks up rows by an index, once for each row before it, and in no
  other way.
- `$inserted(message: id, chat)` at the end of an INSERT of one row returns these columns of the row: with
  RETURNING in PostgreSQL, and by a second statement in SQLite, whose RETURNING makes a table each time.
- Casts such as `::uuid`, `FOR SHARE OF b, c` and `FOR NO KEY UPDATE OF b SKIP LOCKED` are dropped for SQLite,
  which has neither such types nor two writers at once.
"""

import re
from functools import cache, partial

INSERTED = r"\$inserted\((\w+): ([^)]*)\)"
READ_INSERTED = r"SELECT \2 FROM \1 WHERE rowid = last_insert_rowid()"
ROWS = r"\$rows(\d+) (\w+)\(([^)]*)\)"
LOOKUP = r"(LEFT )?JOIN \$lookup\((\w+) (\w+): ([^)]*)\)"
THEN = "\n-- then\n"
"""Between an INSERT and what is read after it if there is a new row."""


@cache
def for_sqlite(sql: str) -> str:
    """The SQL for SQLite. Where it has THEN, it is two statements."""
    sql = re.sub(INSERTED, THEN + READ_INSERTED, sql)
    sql = re.sub(LOOKUP, lambda found: f"{found[1] or 'CROSS '}JOIN {found[2]} {found[3]} ON {found[4]}", sql)
    sql = re.sub(r"\$each(\d+)", r"json_each(?\1)", sql)
    rows_of = partial(_rows_of, "json_extract(j.value, '$[{}]')", "json_each(?{})")
    sql = re.sub(ROWS, rows_of, sql)
    return re.sub(
        r"\$(\d+)",
        r"?\1",
        re.sub(r"::\w+(\[\])?|\bFOR (NO KEY UPDATE|SHARE) OF \w+(, \w+)*( SKIP LOCKED)?", "", sql),
    )


@cache
def for_postgres(sql: str) -> str:
    sql = re.sub(INSERTED, r"RETURNING \2", sql)
    # OFFSET 0 stops the planner from merging it with the rest and from using a hash of the whole table
    # instead.
    one = r"\1JOIN LATERAL (SELECT * FROM \2 \3 WHERE \4 OFFSET 0) \3 ON true"
    sql = re.sub(LOOKUP, lambda found: found.expand(one) if found[1] else found.expand(one[2:]), sql)
    sql = re.sub(r"\$each(\d+) (\w+)", r"unnest($\1::bigint[]) AS \2 (value)", sql)
    source = "jsonb_array_elements(${}::jsonb)"
    return re.sub(ROWS, partial(_rows_of, "(j.value->>{})::{}", source), sql)


def _rows_of(column: str, source: str, found: re.Match[str]) -> str:
    """Expands `$rows2 r(a, b::text)` into a table made from parameter 2, a JSON array of arrays. Columns are
    whole numbers unless another type is given."""
    names = [name.strip().partition("::") for name in found[3].split(",")]
    columns = ", ".join(
        f"{column.format(number, kind or 'bigint')} AS {name}" for number, (name, _, kind) in enumerate(names)
    )
    return f"(SELECT {columns} FROM {source.format(found[1])} j) {found[2]}"  # noqa: S608 - from our own SQL
