"""What sipp and a socket full of garbage do to the front: nothing that a phone would notice."""

import asyncio
import random
from pathlib import Path

from exchange.parties import Trunk
from exchange.wire import Held, Resumed
from lab.ports import free_port
from tests.exchange.front_site import HERE, PROVIDER, FrontSite, open_front_alone, open_front_site, phone_at, udp_host

FLOOD = """<?xml version="1.0" encoding="UTF-8"?>
<scenario name="flood">
  <send><![CDATA[
INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/UDP {via};branch=[branch]
Max-Forwards: 70
From: <sip:{user}@[local_ip]>;tag=[call_number]
To: <sip:[service]@[remote_ip]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:x@[local_ip]:[local_port]>
{header}
Content-Length: 0

]]></send>
</scenario>
"""


async def flood(made: FrontSite, folder: Path, *, host: str = "127.0.0.1", calls: int = 600, **text: str) -> None:
    """Send INVITEs by sipp, five hundred a second, and go on whatever comes back."""
    scenario = folder / "flood.xml"
    fields = {"via": "[local_ip]:[local_port]", "user": "101", "header": "X: y"} | text
    scenario.write_text(FLOOD.format(**fields))
    sipp = await asyncio.create_subprocess_exec(
        "sipp", f"127.0.0.1:{made.port}", "-sf", str(scenario), "-s", "500", "-i", host, "-p", str(free_port()),
        "-r", "500", "-m", str(calls), "-nostdin", "-skip_rlimit",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, cwd=folder,
    )  # fmt: skip
    try:
        async with asyncio.timeout(60):
            await sipp.wait()
    finally:
        if sipp.returncode is None:
            sipp.kill()
            await sipp.wait()


async def works(made: FrontSite) -> None:
    """See that a phone of another host registers and gets its answer at once."""
    with udp_host(made.front.outside) as phone:
        async with asyncio.timeout(5):
            assert (await phone.registers(call_id=f"w{random.random()}")).code == 200


async def test_invites_without_a_password_reach_no_worker(tmp_path: Path) -> None:
    async with open_front_alone() as made:
        await flood(made, tmp_path)

        assert made.invites == []
        assert made.front.figures.calls == 0
        assert made.front.figures.datagrams >= 600
        await works(made)


async def test_vias_that_lie_send_nothing_to_those_they_name(tmp_path: Path) -> None:
    async with open_front_alone() as made:
        with udp_host(made.front.outside, PROVIDER) as victim:
            await flood(made, tmp_path, via=f"{PROVIDER}:{victim.place[1]}", header="X-Trunkline-From: phone:101")

            assert await victim.hears_nothing()
            await works(made)


async def test_a_trunk_that_floods_gets_503_and_a_phone_is_not_disturbed(tmp_path: Path) -> None:
    trunk = Trunk(name="main", host=PROVIDER)
    async with open_front_alone(trunks=[trunk], allowed=[HERE]) as made:
        with udp_host(("127.0.0.1", made.front.inside_port)) as worker:
            made.front.admit_worker(worker.place[1])
            made.choice = worker.place[1]
            await flood(made, tmp_path, host=PROVIDER)

            figures = made.front.figures
            assert 60 <= figures.calls <= 150
            assert figures.refused >= 400
            await works(made)


async def test_garbage_and_oversized_messages_stop_nothing() -> None:
    chance = random.Random(1)
    async with open_front_alone() as made:
        with udp_host(made.front.outside) as host, udp_host(made.front.outside) as other:
            good = host.text("OPTIONS", "sip:front").encode()
            spoiled = [chance.randbytes(chance.randrange(1, 1400)) for _ in range(100)]
            spoiled += [good[:position] + b"\x00\r\n\xff" + good[position:] for position in range(0, len(good), 9)]
            spoiled += [good.replace(b"Max", b"X: " + b"y" * size + b"\r\nMax") for size in (9000, 20_000, 60_000)]
            for count, data in enumerate(spoiled):
                host.send(data)
                if count % 20 == 0:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            figures = made.front.figures
            assert figures.oversized == 3
            assert figures.garbage >= 100
            assert (await other.registers()).code == 200


async def test_a_call_goes_on_while_the_front_is_flooded(tmp_path: Path) -> None:
    trunk = Trunk(name="main", host=PROVIDER)
    async with open_front_site(allowed=[HERE], trunks=[trunk]) as made, phone_at(made, "101") as anna:
        call = await made.site.calls_in(anna, "c")
        made.choice = 1  # no worker
        flooding = asyncio.create_task(flood(made, tmp_path, host=PROVIDER, calls=4000))
        while made.front.figures.refused < 50:
            await asyncio.sleep(0.02)
        before = made.front.figures.refused
        await call.hold()
        await made.site.heard(Held, "c")
        await call.unhold()
        await made.site.heard(Resumed, "c")
        assert made.front.figures.refused > before
        await call.hang_up()
        await call.ended()
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)
