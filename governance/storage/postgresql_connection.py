# SPDX-License-Identifier: Apache-2.0
"""One connection to PostgreSQL: where it leads, what it is set to, and its errors as ours.

    postgresql+psycopg://USER@HOST:PORT/DATABASE?schema=SCHEMA      schema `governance` when nothing is said;
                                                                    every other parameter is libpq's own

Rules: a statement runs by itself, outside a transaction, unless the writer holds one. A stream is a server-side cursor,
so that memory stays flat; streams of one connection share one read-only transaction, which ends with the last of them.
A stream that is left half-way is closed by the connection's next statement and never from a finaliser, which may run
at any moment. A connection that failed outside the writer's transaction is closed. Passwords appear in no message.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import select
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple
from urllib.parse import unquote

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from governance.errors import ConflictError, InputError, SchemaError, StorageError
from governance.storage.addresses import shown_url
from governance.storage.interface import split_url

SCHEMA = "governance"
"""The schema that holds a ledger when its URL names none."""

CONNECT_SECONDS_MAX = 10
ROWS_FETCHED = 2000
_SCHEMA_NAME = re.compile(r"(?!pg_)[a-z_][a-z0-9_]{0,62}")


class Address(NamedTuple):
    """Where a ledger lies in PostgreSQL.

    Attributes:
        conninfo: For libpq; secret.
        schema: The schema that holds its tables; a name that needs no quoting.
        shown: The URL without secrets.
    """

    conninfo: str
    schema: str
    shown: str


def parse_address(url: str) -> Address:
    """Take a ledger URL apart.

    Raises:
        InputError: It is no URL of that form, or names an impossible schema.
    """
    shown = shown_url(url)
    place, mark, query = split_url(url)[1].partition("?")
    parameters = [each.partition("=") for each in query.split("&")] if mark else []
    named = [unquote(value) for name, _, value in parameters if name == "schema"]
    schema = named[-1] if named else SCHEMA
    if not _SCHEMA_NAME.fullmatch(schema):
        raise InputError(
            f"{shown}: not a schema's name: {schema[:80]!r}",
            hint="small letters, digits and _, at most 63, beginning with no digit and not with pg_",
        )
    kept = "&".join("".join(each) for each in parameters if each[0] != "schema")
    try:
        stated = conninfo_to_dict(f"postgresql://{place}?{kept}")
        conninfo = make_conninfo(
            "",
            **{
                "connect_timeout": CONNECT_SECONDS_MAX,
                "fallback_application_name": "governance",
                **stated,
                "client_encoding": "UTF8",
            },
        )
        _require_plain(stated)
    except (psycopg.Error, ValueError):
        # Not `from`: libpq's message quotes the part that it cannot read, which may be the password.
        raise InputError(
            f"{shown} is not a URL that PostgreSQL's client library can read",
            hint="postgresql+psycopg://USER@HOST:PORT/DATABASE?schema=NAME; write special characters as %XX",
        ) from None
    return Address(conninfo, schema, shown)


def _require_plain(stated: Mapping[str, Any]) -> None:
    """Refuse a URL whose password holds @, / or ? as they are: its rest was taken for host, port or database.

    Raises:
        ValueError: It seems so.
    """
    port, places = str(stated.get("port", "")), f"{stated.get('host', '')}{stated.get('dbname', '')}"
    if "@" in places or (port and not port.replace(",", "").isdigit()):
        raise ValueError("the rest of a password")


class Connection:
    """One connection, for one thread at a time.

    Args:
        address: Where to.

    Raises:
        StorageError: The server cannot be reached, or refuses.
        SchemaError: The database's encoding is not UTF8.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self._numbers = itertools.count(1)
        self._open: set[str] = set()
        self._left: list[str] = []
        self._is_writing = False
        with translated(address):
            self._driver = psycopg.connect(address.conninfo, autocommit=True)
        self._prepare()

    def _prepare(self) -> None:
        """Set where names are looked up: nobody else's schema may stand before ours.

        Statements are planned anew each time: a plan that was made when a table was small would read all of it later.
        """
        path = f'"{self.address.schema}", pg_temp'  # pg_catalog stands before both by itself
        ((encoding, *_),) = self.all(
            "SELECT current_setting('server_encoding'), set_config('search_path', %s, false), "
            "set_config('plan_cache_mode', 'force_custom_plan', false), "
            "set_config('cursor_tuple_fraction', '1', false)",  # a stream is read to its end
            (path,),
        )
        if encoding != "UTF8":
            self.close()
            raise SchemaError(
                f"{self.address.shown}: the database's encoding is {encoding}, expected UTF8",
                hint="CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
            )

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """Run a statement and fetch all its rows."""
        self._tidy()
        return self._run(sql, values)

    def run(self, sql: str, values: Sequence[Any] = ()) -> str:
        """Run a statement that gives no rows; what the server says that it did, such as "COMMIT"."""
        self._tidy()
        with translated(self.address, self._failed):
            return self._driver.execute(sql, values).statusmessage or ""

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Any]:
        """Run a query and fetch its rows a few at a time; they are those that were there when it began."""
        self._tidy()
        if not self._open and not self._is_writing:
            self._run("BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY")
        name = f"stream_{next(self._numbers)}"
        self._open.add(name)
        try:
            self._run(f"DECLARE {name} NO SCROLL CURSOR FOR {sql}", values)
            rows = self._fetch(name)
            while rows:
                yield from rows
                rows = self._fetch(name) if len(rows) == ROWS_FETCHED else []
        finally:
            self._left.append(name)
        self._tidy()

    def begin(self, lock: int, first: str) -> list[Any]:
        """Begin the writer's transaction, wait for its lock and ask a first question, all in one round trip.

        The question is answered as of after the wait: at READ COMMITTED each statement sees what is committed then.
        """
        try:
            with translated(self.address), self._driver.pipeline():
                self._driver.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
                self._driver.execute("SELECT pg_advisory_xact_lock(%s)", (lock,))
                answer = self._driver.execute(first, binary=True)
            rows = answer.fetchall()
        except BaseException:
            self.close()  # whoever interrupts the wait must not leave the lock taken
            raise
        self._is_writing = True
        return rows

    def commit(self) -> None:
        """Commit the writer's transaction.

        Raises:
            StorageError: It was undone by an error before, or nobody knows whether it was committed.
        """
        self._end()
        try:
            with translated(self.address):
                done = self._driver.execute("COMMIT").statusmessage
        except StorageError as error:
            if self._driver.closed:
                raise StorageError(
                    f"{error.message}; whether the last append was committed is not known",
                    hint="append the same events again: an event whose id is there already is not added twice",
                ) from error
            raise
        if done != "COMMIT":
            raise StorageError(
                f"{self.address.shown}: a statement failed before, so that the transaction was undone",
                hint="nothing was written; append again",
            )

    def rollback(self) -> None:
        """Undo the writer's transaction; a connection on which not even that works is closed, which undoes it, too."""
        self._end()
        try:
            self._driver.execute("ROLLBACK")
        except psycopg.Error:
            self.close()

    @property
    def driver(self) -> psycopg.Connection[Any]:
        """The driver's own connection, for what only it can do: COPY and pipelines."""
        return self._driver

    def is_usable(self) -> bool:
        """Whether the server is still there, as far as it can be told without a round trip.

        An idle connection has something to read when the server has ended it, or when it tells of a change of settings.
        """
        with contextlib.suppress(psycopg.Error):
            while not self._driver.closed:
                if not select.select([self._driver.fileno()], [], [], 0)[0]:
                    return True
                self._driver.pgconn.consume_input()
        return False

    def close(self) -> None:
        """Let go; closing twice does nothing."""
        self._open.clear()
        self._left.clear()
        self._driver.close()

    def _fetch(self, name: str) -> list[Any]:
        if name not in self._open:
            raise StorageError(
                f"{self.address.shown}: this stream ended with its connection or transaction",
                hint="read it to its end before, or begin it again",
            )
        return self._run(f"FETCH {ROWS_FETCHED} FROM {name}")

    def _run(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        with translated(self.address, self._failed):
            cursor = self._driver.execute(sql, values or None, binary=True)
            return cursor.fetchall() if cursor.description else []

    def _tidy(self) -> None:
        """Close the streams that were ended or left since the last statement."""
        while self._left:
            name = self._left.pop()
            if name not in self._open:
                continue
            self._open.discard(name)
            self._run(f"CLOSE {name}")
            if not self._open and not self._is_writing:
                self._run("COMMIT")

    def _end(self) -> None:
        self._is_writing = False
        self._open.clear()

    def _failed(self) -> None:
        """What a failed statement leaves behind: nothing, unless the writer is about to undo it."""
        if not self._is_writing:
            self.close()


class translated:  # noqa: N801  # reads as a verb in a with statement; a class, because it stands in the hot path
    """Turns the driver's errors into ours, with the mend.

    Args:
        address: The ledger's place, for the message.
        failed: Called first when there is an error.
    """

    __slots__ = ("_address", "_failed")

    def __init__(self, address: Address, failed: Any = None) -> None:
        self._address = address
        self._failed = failed

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, psycopg.Error):
            if self._failed is not None:
                self._failed()
            raise _translation(self._address.shown, error) from error


_MENDS: tuple[tuple[tuple[type[psycopg.Error], ...], str], ...] = (
    ((errors.InsufficientPrivilege,), "grant this role what docs/postgresql.md names"),
    (
        (errors.InvalidPassword, errors.InvalidAuthorizationSpecification),
        "check the user, PGPASSWORD and ~/.pgpass",
    ),
    ((errors.InvalidCatalogName,), "check the database's name; it is made with CREATE DATABASE"),
    (
        (errors.QueryCanceled, errors.LockNotAvailable, errors.IdleInTransactionSessionTimeout),
        "a timeout of the server's ended it, and nothing was written: raise it for this role, and try again",
    ),
    ((errors.DiskFull,), "the server's disk is full: nothing was written; make room and try again"),
    ((errors.ReadOnlySqlTransaction,), "this server is a standby or set to read only: write to the primary"),
    ((errors.TooManyConnections,), "the server has no connection left: close some, or raise max_connections"),
    (
        (psycopg.OperationalError,),
        "check that the server runs and can be reached; what was not acknowledged was undone",
    ),
)


def _translation(shown: str, error: psycopg.Error) -> StorageError | ConflictError:
    text = " ".join((error.diag.message_primary or str(error)).split())
    if isinstance(error, errors.UniqueViolation) and error.diag.table_name == "entry":
        # The index is the next one, so that what is taken can only be an event id.
        return ConflictError("an event id of the batch is there already")
    if isinstance(error, psycopg.IntegrityError):
        return StorageError(f"{shown}: the database refused the write: {text}")
    if isinstance(error, (errors.UndefinedTable, errors.UndefinedColumn, errors.DatatypeMismatch)):
        return SchemaError(f"{shown} is not a ledger or is damaged: {text}", hint="restore it from a copy")
    for kinds, mend in _MENDS:
        if isinstance(error, kinds):
            return StorageError(f"{shown}: {text}", hint=mend)
    return StorageError(f"{shown}: {text}", hint="look at the server's log")
