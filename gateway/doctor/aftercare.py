"""The work after calls: what is behind, left out, failed or stands still, and the mail server that takes reports."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta

from gateway.doctor.findings import Area, Finding, length
from gateway.settings import Settings
from gateway.site import mail_sender
from gateway.store.aftercare_health import BOUND, AftercareHealth, aftercare_health
from gateway.store.database import Pool

BEHIND = timedelta(minutes=5)
"""Facts that wait for longer wait for a reason."""
_OLD_DELIVERY = timedelta(hours=1)
_GREETING_SECONDS = 10.0
_LOG = "see whether the gateway runs, and what its log says of it"


async def check_aftercare(settings: Settings, pool: Pool) -> AsyncIterator[Finding]:
    """Followers, duties, webhooks, reports, imports and the mail server."""
    async with pool.acquire() as connection:
        health = await aftercare_health(connection)
    for check in (_followers, _duties, _webhooks, _reports, _imports):
        for finding in check(health):
            yield finding
    async for finding in _mail(settings, health):
        yield finding


def _followers(health: AftercareHealth) -> Iterator[Finding]:
    area = Area(name="work after calls")
    late = [f for f in health.followers if f.waiting > BEHIND]
    for follower in late:
        yield area.fault(
            f"{follower.name!r} is {_count(follower.behind)} facts behind, the oldest for {length(follower.waiting)}:"
            " what follows from calls is not done or comes late.",
            _LOG,
        )
    for left in health.left_out:
        yield area.fault(
            f"{left.follower!r} left out {left.count} facts of the last 7 days ({', '.join(left.kinds)}) after a"
            f" fault ({left.fault}); what should have followed from them was not done.",
            "the gateway's log has each with its trace: grep 'a fact was left out'",
            "they are listed in the table `follower_refused`; bring version and trace to those who keep your gateway",
        )
    if not late and not health.left_out:
        yield area.ok("Everything that follows from calls is done, and no fact was left out.")


def _duties(health: AftercareHealth) -> Iterator[Finding]:
    area = Area(name="work after calls")
    for duty in health.duties:
        yield area.fault(
            f"The duty {duty.name!r} has failed {duty.times} times in {length(duty.lasting)} ({duty.fault}).",
            "it is tried again by itself; the gateway's log has the trace: grep 'a duty failed'",
        )


def _webhooks(health: AftercareHealth) -> Iterator[Finding]:
    area = Area(name="webhooks")
    again = "POST /api/v1/webhooks/ID/resend with the moment from which on sends what was missed"
    if gone := health.webhooks["gone"]:
        yield area.advice(
            f"The receiver of {_named(gone)} said that nobody is there (410), so nothing is sent to it.",
            "delete the subscription, or correct its address and switch it on: PATCH /api/v1/webhooks/ID",
            again,
        )
    if given_up := health.webhooks["given_up"]:
        yield area.fault(
            f"The receiver of {_named(given_up)} failed for days, so it was switched off.",
            "read what it answered: GET /api/v1/webhooks/ID/deliveries; mend it; then PATCH /api/v1/webhooks/ID",
            again,
        )
    if failing := health.webhooks["failing"]:
        yield area.fault(
            f"The receiver of {_named(failing)} fails; after five days without one success it is switched off.",
            "read what it answers: GET /api/v1/webhooks/ID/deliveries?state=waiting",
        )
    if health.oldest_delivery > _OLD_DELIVERY and not failing:
        yield area.advice(
            f"{_count(health.deliveries_waiting)} messages wait, the oldest for {length(health.oldest_delivery)}.",
            "see which: GET /api/v1/webhooks, waiting",
            _LOG,
        )
    if health.deliveries_failed:
        yield area.advice(
            f"{_count(health.deliveries_failed)} messages of the last 7 days were given up.",
            "see which: GET /api/v1/webhooks/ID/deliveries?state=failed",
            again,
        )
    if not any(health.webhooks.values()) and not health.deliveries_failed:
        yield area.ok(f"No receiver fails; {_count(health.deliveries_waiting)} messages wait for their turn.")


def _reports(health: AftercareHealth) -> Iterator[Finding]:
    area = Area(name="reports")
    again = "read the reason: GET /api/v1/reports/deliveries; send it again: POST /api/v1/reports/deliveries/ID/again"
    if failed := health.reports["failed"]:
        yield area.fault(f"{failed} daily reports of the last 7 days were not delivered.", again)
    if unknown := health.reports["unknown"]:
        yield area.advice(
            f"Of {unknown} daily reports of the last 7 days nobody knows whether they arrived: the connection broke"
            " before the mail server's last word, and none is sent twice by itself.",
            "ask the reader; " + again,
        )


def _imports(health: AftercareHealth) -> Iterator[Finding]:
    if standing := health.imports_standing:
        yield Area(name="imports").fault(
            f"{_named(standing, 'import')} has not moved for 15 minutes.",
            _LOG,
            "where the machine with its file is gone: POST /api/v1/imports/ID/cancel, then undo it or send it again",
        )


async def _mail(settings: Settings, health: AftercareHealth) -> AsyncIterator[Finding]:
    area, mail = Area(name="mail"), settings.mail
    sender = mail_sender(settings, patience=_GREETING_SECONDS)
    if sender is None:
        if health.mail_readers:
            yield area.fault(
                f"{health.mail_readers} daily reports are to go by mail, and no mail server is set.",
                "[mail]",
                'host = "(your mail server)"',
                "or let them be written as files: PATCH /api/v1/reports/subscriptions/ID, by = file",
            )
        return
    fault = await sender.greet()
    if fault is None:
        yield area.ok(f"The mail server {mail.host}:{mail.port} answers ({mail.security}); nothing was sent.")
        return
    yield area.fault(f"The mail server {mail.host}:{mail.port} takes no letters: {fault}.", *_remedy(fault))


def _remedy(fault: str) -> Sequence[str]:
    match fault.partition("_")[0]:
        case "certificate":
            return ("its certificate is of another name, too old, or signed by nobody whom this machine trusts",)
        case "login":
            return ("compare mail.user and mail.password with the server's own",)
        case _:
            return (
                "compare mail.host, mail.port and mail.security with the server's own (587: starttls, 465: tls),",
                "and see whether a firewall lies between: nc -vz HOST PORT",
            )


def _named(ids: Sequence[int], what: str = "webhook") -> str:
    shown = ", ".join(str(id_) for id_ in ids[:10])
    return f"{what} {shown}" + (f" and {len(ids) - 10} more" if len(ids) > 10 else "")


def _count(number: int) -> str:
    return f"{number} or more" if number == BOUND else str(number)
