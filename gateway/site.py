"""The configuration of a PBX in the words of those who use it: tables, number plans, how AMI is reached."""

import ssl

from gateway.domain.dialled_form import DialledForm
from gateway.domain.directory import Directory, Entry, PartyKind
from gateway.domain.phone import NumberPlan
from gateway.settings import Ami, Company, Pbx, Settings, Trunk
from mailer.smtp import MailServer, Security, SmtpMail
from sip.ami_connection import AmiConfig


def base_directory(pbx: Pbx, company: Company) -> Directory:
    """What the configuration says of a PBX; managers come from the database."""
    trunks = [Entry(pattern=t.endpoint, kind=PartyKind.TRUNK) for t in pbx.trunks]
    ignored = [Entry(pattern=p, kind=PartyKind.IGNORED) for p in pbx.ignore]
    return Directory(
        pbx=pbx.name,
        entries=(*trunks, *ignored),
        plan=company_plan(pbx, company),
        plans=tuple((t.endpoint, _plan(pbx, t, company)) for t in pbx.trunks),
        default_dids=tuple((t.endpoint, t.default_did) for t in pbx.trunks if t.default_did),
        dialled=DialledForm(
            region=company.region,
            prefix=pbx.originate.prefix,
            national_prefix=pbx.originate.national_prefix,
            international_prefix=pbx.originate.international_prefix,
        ),
    )


def company_plan(pbx: Pbx, company: Company) -> NumberPlan:
    """How numbers are written that belong to no particular trunk."""
    return NumberPlan(region=company.region, area_code=_first_area_code(pbx), own=_own(pbx))


def _plan(pbx: Pbx, trunk: Trunk, company: Company) -> NumberPlan:
    return NumberPlan(
        region=trunk.region or company.region,
        area_code=trunk.area_code,
        strip=trunk.strip_prefixes,
        own=_own(pbx),
    )


def _first_area_code(pbx: Pbx) -> str:
    return next((t.area_code for t in pbx.trunks if t.area_code), "")


def _own(pbx: Pbx) -> frozenset[str]:
    """Our own numbers of all trunks: a call between two of them is no client's."""
    return frozenset(n for t in pbx.trunks for n in (*t.own_numbers, *filter(None, (t.default_did,))))


def ami_config(ami: Ami) -> AmiConfig:
    """How a manager interface of the settings is reached."""
    return AmiConfig(
        host=ami.host,
        port=ami.port,
        username=ami.user,
        secret=ami.secret.get_secret_value() if ami.secret else "",
        tls=ssl.create_default_context() if ami.tls else None,
    )


def mail_sender(settings: Settings, *, patience: float = 60.0) -> SmtpMail | None:
    """What hands letters to the site's mail server, which may take so many seconds to answer; None: there is none."""
    mail = settings.mail
    if mail.host is None:
        return None
    return SmtpMail(
        MailServer(
            host=mail.host,
            port=mail.port,
            security=Security(mail.security.value),
            sender=mail.sender,
            patience=patience,
            user=mail.user,
            password=mail.password.get_secret_value() if mail.password else None,
        )
    )
