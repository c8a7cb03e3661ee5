"""The SIP library of a worker: started, spoken through, ended, all by the one thread that owns it.

Accounts cost care: a process bears eight and dies of the ninth, and changing one keeps its old texts for good. So what
arrives belongs to one account that stays, and each dialled leg has an account of its own, which carries the caller's
name and the provider's password and goes with the leg. Which account takes an arrived call is therefore said here:
the library would choose by likeness of addresses.
"""

from typing import Any, Protocol

import pjsua2 as pj

from exchange.wire import Dial
from exchange.worker_calls import LegCall, Switch
from exchange.worker_settings import WorkerSettings
from exchange.worker_sound import CLOCK_RATE
from exchange.worker_text import checked_headers, checked_uri, identity

_CODEC_FIRST = 250
RESAMPLING = 4
"""The short filter between the 16 kHz of G722 and the 8 kHz of the bridge; the long one costs more than the codec."""


class Receiver(Switch, Protocol):
    """A switch that takes arrived calls too."""

    def arrived(self, account: Any, call_id: int, message: str, source: str) -> None:
        """A call arrived."""


class _Endpoint(pj.Endpoint):  # type: ignore[misc]
    """The library; gives every arrived call to the account that stays."""

    account_id = -1

    def onSelectAccount(self, prm: Any) -> None:  # noqa: N802 - the library's name
        """Choose the account of an arrived request."""
        prm.accountIndex = self.account_id


class _Account(pj.Account):  # type: ignore[misc]
    """The account of arrived calls."""

    def __init__(self, receiver: Receiver) -> None:
        super().__init__()
        self._receiver = receiver

    def onIncomingCall(self, prm: Any) -> None:  # noqa: N802 - the library's name
        """Pass an arrived call on."""
        self._receiver.arrived(self, int(prm.callId), str(prm.rdata.wholeMsg), str(prm.rdata.srcAddress))


class Library:
    """The library's endpoint and accounts.

    Attributes:
        port: where it listens for SIP, on loopback.
    """

    def __init__(self, settings: WorkerSettings, receiver: Receiver) -> None:
        """Start it.

        Raises:
            pj.Error: a port or address cannot be had.
        """
        self._settings = settings
        self._receiver = receiver
        self._endpoint = _started(settings)
        self._transport = self._listen()
        self._account = _Account(receiver)
        self._account.create(self._config(f"<sip:exchange@127.0.0.1:{self.port}>"))
        self._endpoint.account_id = self._account.getId()

    def _listen(self) -> int:
        transport = pj.TransportConfig()
        transport.port = self._settings.port
        transport.boundAddress = "127.0.0.1"
        number = int(self._endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport))
        self._endpoint.libStart()
        self._endpoint.audDevManager().setNullDev()
        self.port = int(str(self._endpoint.transportGetInfo(number).localName).rpartition(":")[2])
        return number

    def _config(self, identity_text: str) -> Any:
        config = pj.AccountConfig()
        config.idUri = identity_text
        config.regConfig.registerOnAdd = False
        # Else the library builds Contact from the shown number, whatever it holds.
        config.sipConfig.contactForced = f"<sip:exchange@127.0.0.1:{self.port}>"
        config.sipConfig.transportId = self._transport if hasattr(self, "_transport") else -1
        if self._settings.front is not None:
            config.sipConfig.proxies.append(_route(self._settings.front))
        sound = config.mediaConfig.transportConfig
        sound.boundAddress = self._settings.bind
        sound.port, sound.portRange = self._settings.rtp_port, self._settings.rtp_ports
        return config

    def dial(self, order: Dial) -> LegCall:
        """Place a call.

        Raises:
            BadOrder: an address or header may not be sent.
            pj.Error: the library refuses.
        """
        uri, headers = checked_uri(order.uri), checked_headers(order.headers)
        config = self._config(identity(order.display, order.from_uri))
        if order.auth is not None:
            secret = pj.AuthCredInfo("digest", order.auth.realm, order.auth.user, 0, order.auth.password)
            config.sipConfig.authCreds.append(secret)
        account = pj.Account()
        account.create(config)
        call = LegCall(self._receiver, account, order.leg)
        parameters = pj.CallOpParam(True)
        for name, value in headers.items():
            header = pj.SipHeader()
            header.hName, header.hValue = name, value
            parameters.txOption.headers.append(header)
        try:
            call.makeCall(uri, parameters)
        except pj.Error:
            account.shutdown()
            raise
        call.was_placed()
        return call

    def lead(self, account: Any, port: int) -> None:
        """Lead the next call of an account to a port on loopback."""
        config = self._config(str(account.getInfo().uri))
        config.sipConfig.proxies.clear()
        config.sipConfig.proxies.append(_route(port))
        account.modify(config)

    def drop(self, call: LegCall) -> None:
        """Forget a call that is over, and its account if it had one of its own."""
        if call.dialled:
            call.account.shutdown()
        call.account = None

    def turn(self, milliseconds: int) -> None:
        """Let the library work until something happened, at most so long."""
        self._endpoint.libHandleEvents(milliseconds)

    def close(self) -> None:
        """End the library; every object of it must be gone."""
        self._account.shutdown()
        self._endpoint.libDestroy(pj.PJSUA_DESTROY_NO_NETWORK)


def _started(settings: WorkerSettings) -> Any:
    endpoint = _Endpoint()
    endpoint.libCreate()
    config = pj.EpConfig()
    config.uaConfig.threadCnt = 0
    config.uaConfig.mainThreadOnly = True
    config.uaConfig.userAgent = "Trunkline"
    config.logConfig.level = config.logConfig.consoleLevel = 0
    config.medConfig.clockRate = config.medConfig.sndClockRate = CLOCK_RATE
    config.medConfig.quality = RESAMPLING
    config.medConfig.noVad = True
    config.medConfig.ecTailLen = 0
    config.medConfig.sndAutoCloseTime = -1  # else the clock of all sound stops a second after a call
    endpoint.libInit(config)
    for codec in endpoint.codecEnum2():
        name = str(codec.codecId).partition("/")[0]
        wanted = settings.codecs
        endpoint.codecSetPriority(codec.codecId, _CODEC_FIRST - wanted.index(name) if name in wanted else 0)
    return endpoint


def _route(port: int) -> str:
    return f"<sip:127.0.0.1:{port};lr;hide>"
