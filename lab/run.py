"""`make run ASTERISK=1`: the gateway with the lab's Asterisk and one call with real speech for newcomers to see it all.

Nothing is shown that is not real: the call goes over Asterisk, two phones speak human prompts, the gateway records,
writes down and counts. The gateway runs as it would on a site, from a configuration file that is left for reading.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from gateway.api.security import Passwords
from gateway.store.embedded import borrow_embedded
from gateway.store.embedded_account import server_account
from gateway.store.embedded_folders import choose_home
from gateway.store.staff import add_user, give_extension
from lab.demo import place_demo_call
from lab.errors import LabTimeoutError
from lab.phones import open_client_phone, open_manager_phone
from lab.server import AsteriskServer, open_asterisk
from lab.speech import make_dialogue

PORT = 8080
PEOPLE = (("anna", "Anna", "manager", "101"), ("boris", "Boris", "manager", "102"), ("head", "Head", "admin", "100"))
_PATIENCE = 180.0


def run(directory: Path, *, stay: bool = True, port: int = PORT) -> None:
    """Start the lab and the gateway, place the call, show what came of it.

    Args:
        directory: where the lab's folders and the gateway's home go.
        stay: keep everything running until Ctrl-C; False ends after the call.
        port: where the page is served on loopback.
    """
    home = choose_home(directory / "home", server_account())
    with open_asterisk(directory / "pbx") as server:
        config = write_config(server, directory, home, port)
        gateway = subprocess.Popen([sys.executable, "-m", "gateway", "serve", "--config", str(config)])
        try:
            asyncio.run(_show(server, directory, home, port, gateway, stay=stay))
        except KeyboardInterrupt:
            print("\nStopping.")
        finally:
            gateway.send_signal(signal.SIGTERM)
            gateway.wait(30)


def write_config(server: AsteriskServer, directory: Path, home: Path, port: int) -> Path:
    """The configuration an administrator would write for this Asterisk."""
    secret = directory / "ami.secret"
    secret.touch(mode=0o600)
    secret.write_text(server.gateway.secret)
    path = directory / "trunkline.toml"
    path.write_text(
        f'home = "{home}"\n\n[http]\nport = {port}\n\n[company]\nregion = "RU"\ntimezone = "Europe/Moscow"\n\n'
        f'[transcription]\nlanguages = ["en", "ru"]\n\n[pbx.lab]\njournal.path = "{server.journal}"\n'
        f'recordings.folder = "{server.recordings}"\noriginate.context = "from-managers"\n'
        'trunks = [{ endpoint = "trunk", area_code = "495" }]\n\n[pbx.lab.ami]\n'
        f'port = {server.ports.ami}\nuser = "{server.gateway.user}"\nsecret_file = "{secret}"\n'
    )
    return path


async def _show(
    server: AsteriskServer, directory: Path, home: Path, port: int, gateway: subprocess.Popen[bytes], *, stay: bool
) -> None:
    async with asyncio.timeout(_PATIENCE):
        await _until_serving(port, gateway)
    async with borrow_embedded(home) as database:
        connection = await asyncpg.connect(database.dsn)
        password = await _enter_people(connection)
        print(f"\n  http://127.0.0.1:{port}/   sign in as head, password {password}\n")
        dialogue = make_dialogue(server.home, directory / "speech", "en")
        began = datetime.now(UTC)
        print("A client calls; Anna's phone rings, she answers, both speak ...")
        await place_demo_call(server, dialogue)
        await _tell(connection, began)
        await connection.close()
    if stay:
        await _stay(server, port)


async def _until_serving(port: int, gateway: subprocess.Popen[bytes]) -> None:
    while True:
        if gateway.poll() is not None:
            raise LabTimeoutError("the gateway ended by itself; what it said stands above")
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
            continue
        writer.close()
        return


async def _enter_people(connection: asyncpg.Connection) -> str:
    """Enter the lab's people once; a new password for the head at every start."""
    password = secrets.token_urlsafe(9)
    hashed = await Passwords().hash(password)
    async with connection.transaction():
        for login, name, role, extension in PEOPLE:
            if await connection.fetchval("select id from users where login = $1", login) is None:
                user = await add_user(connection, login=login, name=name, role=role)
                await give_extension(connection, pbx="lab", extension=extension, user_id=user, patterns=[extension])
        await connection.execute("update users set password_hash = $1 where login = 'head'", hashed)
        await connection.execute("notify trunkline_tables")
    return password


async def _tell(connection: asyncpg.Connection, began: datetime) -> None:
    """Print the call, its transcript and the figures as they come."""
    call = await _until(
        connection, "select * from call where state = 'ended' and merged_into is null and started_at > $1", began
    )
    card = await connection.fetchrow("select * from contact where id = $1", call["contact_id"])
    print(
        f"\nCall     {call['direction']} {call['client_number']} -> {call['did']}: {call['result']} by "
        f"{', '.join(call['answered_by'])}, waited {call['wait_us'] / 1e6:.1f} s, talked {call['talk_us'] / 1e6:.1f} s"
    )
    print(f"Card     {card['name'] or call['client_number']}, made while the phone rang")
    recording = await _until(connection, "select * from recording where call_id = $1 and state = 'stored'", call["id"])
    print(f"Archive  {recording['duration_us'] / 1e6:.1f} s, SHA-256 {recording['sha256'].hex()[:16]}...")
    print("Transcript (the model is loaded for the first call, a moment) ...")
    row = await _until(connection, "select segments from transcript where recording_id = $1", recording["id"])
    for segment in json.loads(row["segments"]):
        print(f"  {segment['start']:6.1f}  {segment['speaker'] or '':8} {segment['text']}")
    figures = await connection.fetchrow(
        "select sum(calls) as calls, sum(talk_us) as talk, sum(numbers) as numbers from"
        " manager_day join users on users.id = user_id where login = 'anna'"
    )
    minutes = float(figures["talk"]) / 6e7
    print(f"Figures  Anna: {figures['calls']} calls, {figures['numbers']} numbers, {minutes:.1f} min talk\n")


async def _until(connection: asyncpg.Connection, query: str, *values: object) -> asyncpg.Record:
    async with asyncio.timeout(_PATIENCE):
        while (row := await connection.fetchrow(query, *values)) is None:  # noqa: ASYNC110 - another process does the work
            await asyncio.sleep(0.2)
        return row


async def _stay(server: AsteriskServer, port: int) -> None:
    """Keep two managers' phones and a client's phone until Ctrl-C; all answer by themselves."""
    print(f"Running until Ctrl-C. Click-to-call from the page reaches a client who answers. Process {os.getpid()}.")
    async with (
        open_manager_phone(server, "101") as anna,
        open_manager_phone(server, "102") as boris,
        open_client_phone(server) as client,
    ):
        for phone in (anna, boris, client):
            await phone.script(answer_after=2.0)
        await asyncio.Event().wait()
