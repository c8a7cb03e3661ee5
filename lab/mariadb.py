"""A MariaDB of the lab's own, as a FreePBX has one: Debian's server program with a fresh data folder, on loopback.

No service is installed and nothing of the machine's is touched: the server runs as an unprivileged user on a free
port for as long as the block lasts. It holds `asteriskcdrdb.cel` with FreePBX's columns, a user for Asterisk, and
one for the gateway that may only read that table.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pymysql
from pymysql.cursors import Cursor

from lab.errors import LabUnavailable, ServerFailed
from lab.ports import free_port

START_SECONDS = 30.0
STOP_SECONDS = 15.0
PROGRAMS = ("mariadbd", "mariadb-install-db")
UNPRIVILEGED = "nobody"

CEL_TABLE = """
create table cel (
  id int(11) not null auto_increment,
  eventtype varchar(30) not null,
  eventtime datetime not null,
  cid_name varchar(80) not null,
  cid_num varchar(80) not null,
  cid_ani varchar(80) not null,
  cid_rdnis varchar(80) not null,
  cid_dnid varchar(80) not null,
  exten varchar(80) not null,
  context varchar(80) not null,
  channame varchar(80) not null,
  appname varchar(80) not null,
  appdata varchar(255) not null,
  amaflags int(11) not null,
  accountcode varchar(20) not null,
  uniqueid varchar(32) not null,
  linkedid varchar(32) not null,
  peer varchar(80) not null,
  userdeftype varchar(255) not null,
  extra varchar(512) not null,
  primary key (id),
  key uniqueid_index (uniqueid),
  key linkedid_index (linkedid),
  key context_index (context)
) engine=InnoDB default charset=utf8mb4 collate=utf8mb4_unicode_ci
"""
"""The columns, types and indexes of FreePBX 15 to 17."""


class MariaDb:
    """A running server.

    Attributes:
        folder: Its data and its log.
        port: Where it listens on 127.0.0.1.
        writer: Asterisk's user, who may do everything with the database.
        writer_secret: His password.
        reader: The gateway's user: SELECT on the one table.
        reader_secret: His password.
    """

    def __init__(self, folder: Path) -> None:
        """Nothing is started yet."""
        self.folder = folder
        self.port = free_port()
        self.writer, self.writer_secret = "freepbxuser", secrets.token_urlsafe(12)
        self.reader, self.reader_secret = "trunkline", secrets.token_urlsafe(12)
        self._root_secret = secrets.token_urlsafe(12)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The table's database as SQLAlchemy names it, for the user who may only read."""
        return f"mysql+pymysql://{self.reader}:{self.reader_secret}@127.0.0.1:{self.port}/asteriskcdrdb"

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        assert self._process is not None
        return self._process.pid

    def install(self) -> None:
        """Make the data folder.

        Raises:
            LabUnavailable: MariaDB's programs are not installed.
            ServerFailed: the data folder could not be made.
        """
        require_mariadb()
        options = ["--no-defaults", f"--datadir={self.folder / 'data'}", "--skip-test-db", "--skip-name-resolve"]
        command = [*self._as_user(), _program("mariadb-install-db") or "", *options]
        made = subprocess.run(
            [*command, "--auth-root-authentication-method=normal"], capture_output=True, text=True, check=False
        )
        if made.returncode != 0:
            raise ServerFailed(f"mariadb-install-db failed: {made.stderr[-500:] or made.stdout[-500:]}")

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            ServerFailed: it ended, or did not answer in time.
        """
        options = (
            *("--no-defaults", f"--datadir={self.folder / 'data'}", f"--socket={self.folder / 'sock'}"),
            *("--bind-address=127.0.0.1", f"--port={self.port}", f"--pid-file={self.folder / 'pid'}"),
            *("--skip-name-resolve", "--skip-log-bin", "--performance-schema=off", "--sql-mode=NO_ENGINE_SUBSTITUTION"),
            *("--innodb-buffer-pool-size=64M", "--innodb-log-file-size=16M", "--innodb-flush-log-at-trx-commit=2"),
        )
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._as_user(), "setpriv", "--pdeathsig=TERM", _program("mariadbd") or "", *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait()

    def stop(self) -> None:
        """End the server in order; nothing happens when it is not running."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def freeze(self) -> None:
        """Let the server stay connected and answer nothing (SIGSTOP)."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it answer again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def prepare(self) -> None:
        """Make the database, the table and the users of a fresh server."""
        self.run(
            "create database asteriskcdrdb character set utf8mb4",
            "use asteriskcdrdb",
            CEL_TABLE,
            f"create user '{self.writer}'@'127.0.0.1' identified by '{self.writer_secret}'",
            f"grant all on asteriskcdrdb.* to '{self.writer}'@'127.0.0.1'",
            f"create user '{self.reader}'@'127.0.0.1' identified by '{self.reader_secret}'",
            f"grant select on asteriskcdrdb.cel to '{self.reader}'@'127.0.0.1'",
            f"alter user 'root'@'localhost' identified by '{self._root_secret}'",
            secret="",
        )

    def run(self, *statements: str, secret: str | None = None) -> list[tuple[object, ...]]:
        """Run statements as root and give the last one's rows.

        Args:
            statements: what to run, in the calls' database where there is one.
            secret: root's password where it is not yet ours.
        """
        with pymysql.connect(
            unix_socket=str(self.folder / "sock"),
            user="root",
            password=self._root_secret if secret is None else secret,
            database="asteriskcdrdb" if secret is None else None,
            autocommit=True,
            local_infile=False,
        ) as connection:
            cursor: Cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def table(self) -> tuple[Sequence[str], list[tuple[object, ...]]]:
        """The names of the table's columns, and its rows by id."""
        names = [str(row[0]) for row in self.run("show columns from cel")]
        return names, self.run("select * from cel order by id")

    def _as_user(self) -> list[str]:
        if os.geteuid() != 0:
            return []
        account = pwd.getpwnam(UNPRIVILEGED)
        return ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            except OSError:
                time.sleep(0.05)
        raise ServerFailed(f"MariaDB does not answer: {(self.folder / 'log').read_text()[-800:]}")


def require_mariadb() -> None:
    """See that MariaDB's programs are there.

    Raises:
        LabUnavailable: they are not.
    """
    if missing := [p for p in PROGRAMS if _program(p) is None]:
        raise LabUnavailable(f"{', '.join(missing)} not found; type: apt install mariadb-server-core")


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def open_mariadb() -> Iterator[MariaDb]:
    """Run a MariaDB with FreePBX's empty table for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="lab-mariadb-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            account = pwd.getpwnam(UNPRIVILEGED)
            os.chown(folder, account.pw_uid, account.pw_gid)
        server = MariaDb(folder)
        server.install()
        try:
            server.start()
            server.prepare()
            yield server
        finally:
            server.stop()
