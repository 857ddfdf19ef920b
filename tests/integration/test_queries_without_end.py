"""Queries of PostgreSQL that have no end, or whose server says nothing any more: given up in time, and named."""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import make_url

from checks.errors import FeedError
from checks.protocol.limits import Limits
from flows.feeds.database import query_content


@pytest.mark.parametrize(
    "statement", ["SELECT 1; SELECT 2", "COMMIT; CREATE TABLE made (a int)", "SELECT 1 AS a; COMMIT"]
)
def test_a_query_is_one_statement(postgresql_database: str, statement: str) -> None:
    with pytest.raises(FeedError, match="its query failed"):
        query_content(postgresql_database, statement, feed="VS")


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "statement",
    ["SELECT pg_sleep(30)::text AS a", "SELECT n FROM generate_series(1, 1000000000000) AS g (n)"],
)
@pytest.mark.slow
def test_a_query_of_postgresql_without_end_is_ended(postgresql_database: str, statement: str) -> None:
    with pytest.raises(FeedError, match=r"QueryCanceled 57014|takes longer than 1 s"):
        query_content(postgresql_database, statement, feed="VS", limits=Limits(max_read_seconds=1))
    with pytest.raises(FeedError, match=r"QueryCanceled 57014|more than 1,000 bytes"):
        few = Limits(max_unpacked_bytes=1_000, max_read_seconds=5)
        query_content(postgresql_database, statement, feed="VS", limits=few)


@pytest.mark.timeout(60)
def test_a_server_that_says_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch, postgresql_database: str
) -> None:
    monkeypatch.setattr("flows.feeds.database.PATIENCE", 0.5)
    url = make_url(postgresql_database)
    with (
        silent_after_the_query(url.host or "", url.port or 5432) as port,
        pytest.raises(FeedError, match="its query failed"),
    ):
        silent = url.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
        statement = "SELECT pg_sleep(0.1)::text AS a"
        query_content(silent, statement, feed="VS", limits=Limits(max_read_seconds=1))


@contextmanager
def silent_after_the_query(host: str, port: int) -> Iterator[int]:
    """Pass on what a client and a server say, until the client asks to sleep: then nothing comes back."""

    def serve(listening: socket.socket) -> None:
        client, _ = listening.accept()
        with client, socket.create_connection((host, port)) as server:
            asked = False
            while ready := select.select([client, server], [], [], 30)[0]:
                for one in ready:
                    said = one.recv(1 << 16)
                    if not said:
                        return
                    asked = asked or b"pg_sleep" in said
                    if one is client:
                        server.sendall(said)
                    elif not asked:
                        client.sendall(said)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        yield listening.getsockname()[1]
