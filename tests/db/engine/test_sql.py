"""One SQL for both databases: what each of them is given."""

from djangobot.db.engine.sql import THEN, for_postgres, for_sqlite


def test_parameters_keep_their_numbers_and_casts_are_postgresqls_alone() -> None:
    """SQLite knows neither `$1` nor `::uuid`."""
    sql = "UPDATE t SET a = $2::text[] WHERE id = $1::uuid"
    assert for_postgres(sql) == sql
    assert for_sqlite(sql) == "UPDATE t SET a = ?2 WHERE id = ?1"


def test_row_locks_are_postgresqls_alone() -> None:
    """SQLite has one writer at a time."""
    sql = "SELECT 1 FROM b, c FOR SHARE OF b, c"
    assert for_postgres(sql) == sql
    assert for_sqlite(sql).strip() == "SELECT 1 FROM b, c"
    assert for_sqlite("SELECT 1 FROM b FOR NO KEY UPDATE OF b SKIP LOCKED").strip() == "SELECT 1 FROM b"


def test_each_is_a_table_of_numbers() -> None:
    """With a column `value`."""
    sql = "SELECT b.value FROM $each3 b"
    assert for_postgres(sql) == "SELECT b.value FROM unnest($3::bigint[]) AS b (value)"
    assert for_sqlite(sql) == "SELECT b.value FROM json_each(?3) b"


def test_rows_is_a_table_of_named_and_typed_columns() -> None:
    """A column without a type is a whole number."""
    sql = "SELECT * FROM $rows2 r(a, b::text)"
    assert for_sqlite(sql) == (
        "SELECT * FROM (SELECT json_extract(j.value, '$[0]') AS a, json_extract(j.value, '$[1]') AS b"
        " FROM json_each(?2) j) r"
    )
    assert for_postgres(sql) == (
        "SELECT * FROM (SELECT (j.value->>0)::bigint AS a, (j.value->>1)::text AS b"
        " FROM jsonb_array_elements($2::jsonb) j) r"
    )


def test_lookup_keeps_the_order_of_the_join() -> None:
    """CROSS JOIN in SQLite, LATERAL in PostgreSQL: neither planner turns it round."""
    sql = "SELECT 1 FROM h JOIN $lookup(message m: m.id = h.id)"
    assert for_sqlite(sql) == "SELECT 1 FROM h CROSS JOIN message m ON m.id = h.id"
    assert for_postgres(sql) == (
        "SELECT 1 FROM h JOIN LATERAL (SELECT * FROM message m WHERE m.id = h.id OFFSET 0) m ON true"
    )
    left = "SELECT 1 FROM h LEFT JOIN $lookup(message m: m.id = h.id)"
    assert for_sqlite(left) == "SELECT 1 FROM h LEFT JOIN message m ON m.id = h.id"
    assert for_postgres(left).startswith("SELECT 1 FROM h LEFT JOIN LATERAL (")


def test_the_row_of_an_insert_is_returned_or_read_behind_it() -> None:
    """SQLite runs a second statement when there is a new row."""
    sql = "INSERT INTO t (a) SELECT $1 $inserted(t: id, a)"
    assert for_postgres(sql) == "INSERT INTO t (a) SELECT $1 RETURNING id, a"
    insert, _, select = for_sqlite(sql).partition(THEN)
    assert insert.strip() == "INSERT INTO t (a) SELECT ?1"
    assert select == "SELECT id, a FROM t WHERE rowid = last_insert_rowid()"
