"""The configuration of a PBX as the domain's tables: trunks, ignored endpoints, number plans."""

from gateway.domain.directory import Directory, Entry, PartyKind
from gateway.domain.phone import NumberPlan
from gateway.settings import Company, Pbx, Trunk


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
