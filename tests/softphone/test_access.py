"""Who may use the line of a browser's phone, how long its account lives; over a real Asterisk, without a browser."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import ClientSession, ClientWebSocketResponse, CookieJar, WSServerHandshakeError

from gateway.app import Gateway
from gateway.doctor.findings import Level
from gateway.doctor.pbx import examine_pbx
from gateway.settings import Settings
from lab.server import AsteriskServer
from tests.softphone.office import PASSWORD, PATIENCE, enter_people, office_settings, open_gateway
from tests.softphone.test_messages import request

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]

OWN_PAGE = {"X-CSRF": "1", "Sec-Fetch-Site": "same-origin"}
PAGE = "page=page-one-of-this-test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A gateway with phones in browsers."""

    server: AsteriskServer
    gateway: Gateway
    settings: Settings

    @property
    def origin(self) -> str:
        """Of its page."""
        return f"http://127.0.0.1:{self.settings.http.port}"

    async def signed_in(self, login: str = "anna") -> ClientSession:
        """A person with a session."""
        client = ClientSession(base_url=self.origin, headers=OWN_PAGE, cookie_jar=CookieJar(unsafe=True))
        answer = await client.post("/api/v1/session", json={"login": login, "password": PASSWORD})
        assert answer.status == 200
        return client

    async def account(self, client: ClientSession) -> dict[str, str]:
        """The account of a session's phone."""
        answer = await client.post("/api/v1/softphone/account", json={})
        assert answer.status == 200, await answer.text()
        told: dict[str, str] = await answer.json()
        return told

    async def line(
        self, client: ClientSession, *, origin: str | None = None, more: str = ""
    ) -> ClientWebSocketResponse:
        """The WebSocket of a session."""
        return await client.ws_connect(
            f"/api/v1/softphone/ws?pbx=lab&{PAGE}{more}", protocols=("sip",), headers={"Origin": origin or self.origin}
        )

    def endpoint(self, name: str) -> str:
        """What Asterisk says of an endpoint."""
        return self.server.command(f"pjsip show endpoint {name}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(
    asterisk: AsteriskServer, own_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """Anna and Boris with desk phones."""
    await enter_people(own_database)
    settings = office_settings(asterisk, own_database)
    async with open_gateway(settings, tmp_path_factory.mktemp("no-page")) as gateway:
        yield Site(server=asterisk, gateway=gateway, settings=settings)


async def refused(site: Site, client: ClientSession, **how: str) -> int:
    """The status with which a WebSocket is refused."""
    with pytest.raises(WSServerHandshakeError) as fault:
        await site.line(client, **how)
    return fault.value.status


async def registered(line: ClientWebSocketResponse, account: dict[str, str]) -> int:
    """Register by digest; the last status."""
    await line.send_str(request())
    challenge = await line.receive_str(timeout=PATIENCE)
    assert challenge.startswith("SIP/2.0 401")
    nonce = challenge.split('nonce="')[1].split('"')[0]
    whole = f"{account['user']}:trunkline:{account['password']}"
    secret, asked = (
        md5(text.encode(), usedforsecurity=False).hexdigest() for text in (whole, "REGISTER:sip:pbx.invalid")
    )
    response = md5(f"{secret}:{nonce}:00000001:x:auth:{asked}".encode(), usedforsecurity=False).hexdigest()
    digest = (
        f'Digest username="{account["user"]}", realm="trunkline", nonce="{nonce}", uri="sip:pbx.invalid", qop=auth,'
        f' nc=00000001, cnonce="x", response="{response}"'
    )
    await line.send_str(request(CSeq="2 REGISTER", Authorization=digest))
    return int((await line.receive_str(timeout=PATIENCE)).split(" ")[1])


async def test_the_line_is_for_a_session_of_our_own_page_that_has_an_account(site: Site) -> None:
    async with ClientSession(base_url=site.origin) as nobody:
        assert await refused(site, nobody) == 401
    async with await site.signed_in() as anna:
        assert await refused(site, anna) == 409
        await site.account(anna)
        assert await refused(site, anna, origin="https://elsewhere.example") == 403
        bad = await anna.get(f"/api/v1/softphone/ws?pbx=lab&{PAGE}")
        assert bad.status == 403  # no Origin: no browser
        assert (await anna.get("/api/v1/softphone/ws?pbx=lab&page=x", headers={"Origin": site.origin})).status == 422
        async with await site.signed_in("boris") as boris:
            assert await refused(site, boris) == 409
        async with await site.line(anna) as line:
            assert line.protocol == "sip"


async def test_an_account_registers_and_speaks_for_nobody_else(site: Site) -> None:
    async with await site.signed_in() as anna, await site.signed_in("boris") as boris:
        account, other = await site.account(anna), await site.account(boris)
        assert (account["user"], other["user"]) == ("101-web", "102-web")
        async with await site.line(anna, more="&fresh=1") as line:
            assert await registered(line, account) == 200
            for forged in (
                request(To="<sip:102-web@pbx.invalid>"),
                request("INVITE", "sip:100@pbx.invalid", From="<sip:102-web@pbx.invalid>;tag=1"),
                request(Authorization='Digest username="102-web", realm="trunkline"'),
            ):
                await line.send_str(forged)
                assert (await line.receive_str(timeout=PATIENCE)).startswith("SIP/2.0 403")
            told = await anna.get("/api/v1/softphone")
            assert (await told.json())["elsewhere"] is False
        endpoints = await site.gateway.pool.fetch(
            "select pattern from endpoint where extension = '101' and until > now()"
        )
        assert {row["pattern"] for row in endpoints} == {"101", "101-web"}


async def test_an_account_ends_with_its_session_at_once(site: Site) -> None:
    anna = await site.signed_in()
    await site.account(anna)
    assert "101-web/101" in site.endpoint("101-web")
    line = await site.line(anna)
    assert (await anna.delete("/api/v1/session")).status == 204
    message = await line.receive(timeout=PATIENCE)
    assert (message.data, line.close_code) == (4401, 4401)
    async with asyncio.timeout(PATIENCE):
        while "Unable to find" not in site.endpoint("101-web"):
            await asyncio.sleep(0.2)
        while await site.gateway.pool.fetchval("select count(*) from softphone where endpoint = '101-web'"):
            await asyncio.sleep(0.2)
    await anna.close()


async def test_another_session_of_the_same_person_takes_the_phone(site: Site) -> None:
    async with await site.signed_in() as office, await site.signed_in() as home:
        first = await site.account(office)
        line = await site.line(office)
        assert await registered(line, first) == 200
        assert (await (await home.get("/api/v1/softphone")).json())["elsewhere"] is True
        second = await site.account(home)
        message = await line.receive(timeout=PATIENCE)
        assert (message.data, first["password"] != second["password"]) == (4409, True)
        assert await refused(site, office) == 409
        async with await site.line(home) as other:
            assert await registered(other, second) == 200


async def test_the_password_is_kept_nowhere_and_logged_nowhere(
    site: Site, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async with await site.signed_in() as anna:
        password = (await site.account(anna))["password"]
        async with await site.line(anna) as line:
            assert await registered(line, {"user": "101-web", "password": password}) == 200
    tables = await site.gateway.pool.fetch(
        "select format('select count(*) from %I t where t::text like $1', tablename) as asked"
        " from pg_tables where schemaname = 'public'"
    )
    found = [row["asked"] for row in tables if await site.gateway.pool.fetchval(row["asked"], f"%{password}%")]
    said = capfd.readouterr()
    assert (found, password in said.out + said.err) == ([], False)
    assert password not in site.server.command("database show")


async def test_the_doctor_is_content_with_a_whole_site_and_names_what_another_one_lacks(site: Site) -> None:
    pbx = site.settings.pbx["lab"]
    whole = (await examine_pbx(site.settings, pbx, site.gateway.pool)).findings
    own = [finding for finding in whole if "in the page" in finding.text]
    assert [finding.level for finding in own if finding.code != "softphone_opus"] == [Level.OK]

    assert pbx.softphone is not None
    assert pbx.ari is not None
    broken = pbx.model_copy(
        update={
            "softphone": pbx.softphone.model_copy(update={"url": "ws://127.0.0.1:9/ws"}),
            "ari": pbx.ari.model_copy(update={"user": "nobody"}),
        }
    )
    told = (await examine_pbx(site.settings, broken, site.gateway.pool)).findings
    assert {"softphone_socket", "softphone_ari_refused"} <= {finding.code for finding in told}
    (socket,) = (finding for finding in told if finding.code == "softphone_socket")
    assert "#include trunkline_softphone.conf" in socket.remedy
