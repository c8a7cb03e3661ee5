"""The phones in the gateway's own page: whether accounts can be made, SIP gets through, sound can flow, calls can wait.

Each is proved where that can be done without a call: an account that nobody can use is made and removed again, and a
WebSocket opened. The rest is asked of Asterisk's files and modules.
"""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from gateway.doctor.findings import Finding
from gateway.doctor.look import Look
from gateway.doctor.websocket import shake_hands
from gateway.domain.errors import GatewayError
from gateway.recording_by_order import ari_config
from gateway.settings import SoftphonePlace
from sip.ari import AriRefused
from sip.asterisk_orders import DialTemplate
from sip.softphone import open_softphones

_MODULES = ("res_http_websocket", "res_pjsip_transport_websocket", "res_srtp", "res_ari_asterisk", "res_sorcery_astdb")
_OPUS = ("codec_opus", "codec_opus_open_source")
_FALSE = frozenset({"no", "false", "off", "0", "n", "f"})


async def check_softphones(look: Look) -> AsyncIterator[Finding]:
    """Look at what phones in the page need, where the settings have a table for them."""
    own = look.pbx.softphone
    if own is None or look.pbx.ari is None:
        return
    missing = [name for name in _MODULES if await look.has_module(name) is False]
    if missing:
        yield look.area.fault(
            f"Phones in the page need modules that do not run: {', '.join(missing)}.",
            *look.places.write("modules.conf", *(f"load = {name}.so" for name in missing)),
            *(f"then: asterisk -rx 'module load {name}.so'" for name in missing),
            code="softphone_modules",
        )
        return
    account, way = await _account(look), await _way(look, own)
    for finding in (account, way):
        if finding is not None:
            yield finding
    if account is None and way is None:
        yield look.area.ok("Phones in the page can have accounts, and reach the PBX.")
    async for finding in _sound(look, own):
        yield finding
    if await look.exists("trunkline-away", "music", "1") is False:
        yield look.area.advice(
            "A call ends where its page is loaded anew: the dialplan cannot let the client wait meanwhile.",
            *look.places.subroutine("trunkline_control.conf"),
            code="softphone_away",
        )


async def _account(look: Look) -> Finding | None:
    """Make an account, and remove it."""
    assert look.pbx.ari is not None  # asked by the caller
    config, template = ari_config(look.pbx.ari), DialTemplate()
    async with open_softphones(look.asterisk, config, template=template, open_legs=dict) as softphones:
        try:
            if await softphones.can_keep_accounts():
                return None
        except AriRefused:
            return look.area.fault(
                "Asterisk's REST interface refuses our account: phones in the page can have none.",
                "in ari.conf, under [general] with enabled = yes:",
                "#include trunkline_ari.conf",
                f"[{look.pbx.ari.user}](trunkline-ari)",
                "password = (as in our configuration)",
                "then: asterisk -rx 'module reload res_ari.so'",
                code="softphone_ari_refused",
            )
        except GatewayError:
            return look.area.fault(
                f"Asterisk's REST interface does not answer at {look.pbx.ari.url}: phones in the page can have none.",
                *look.places.write(look.places.web_server, look.places.web_section, "enabled = yes"),
                "then: asterisk -rx 'module reload http' and 'http show status'",
                code="softphone_ari_away",
            )
    return look.area.fault(
        "Asterisk takes no accounts into its database: phones in the page can have none.",
        *look.places.write(
            "sorcery.conf", "[res_pjsip]", "#include trunkline_sorcery.conf", copied="trunkline_sorcery.conf"
        ),
        "then restart Asterisk: it reads this once",
        code="softphone_sorcery",
    )


async def _way(look: Look, own: SoftphonePlace) -> Finding | None:
    """Open the WebSocket."""
    parts = urlsplit(own.url)
    secure = parts.scheme == "wss"
    port = parts.port or (443 if secure else 80)
    fault = await shake_hands(parts.hostname or "", port, parts.path or "/", secure=secure)
    if fault is None:
        return None
    return look.area.fault(
        f"The gateway cannot reach Asterisk's WebSocket at {own.url}: {fault}.",
        *look.places.write(
            look.places.web_server,
            look.places.web_section,
            "enabled = yes",
            "bindaddr = (where the gateway reaches it)",
            "bindport = 8088",
        ),
        *look.places.write(
            look.places.endpoints, "#include trunkline_softphone.conf", copied="trunkline_softphone.conf"
        ),
        "then: asterisk -rx 'module reload http' and 'http show status', which lists /ws",
        code="softphone_socket",
    )


async def _sound(look: Look, own: SoftphonePlace) -> AsyncIterator[Finding]:
    """What sound needs: addresses that are offered (ICE), and a codec that both have."""
    if (await look.setting("rtp.conf", "general", "icesupport") or "yes").casefold() in _FALSE:
        yield look.area.fault(
            "ICE is switched off, so no browser hears or is heard.",
            *look.places.write("rtp.conf", "[general]", "icesupport = yes"),
            "then: asterisk -rx 'module reload res_rtp_asterisk.so'",
            code="softphone_ice",
        )
    if "opus" in own.codecs and not any([await look.has_module(name) is not False for name in _OPUS]):
        others = [codec for codec in own.codecs if codec != "opus"]
        yield look.area.advice(
            f"Opus is not to be had; phones in the page speak {', '.join(others)}."
            if others
            else "Opus is not to be had, and phones in the page have no other codec.",
            "load = codec_opus.so in modules.conf, where your build has it"
            if others
            else f'add "ulaw" to pbx.{look.pbx.name}.softphone.codecs',
            code="softphone_opus",
        )
