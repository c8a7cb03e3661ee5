"""The HTTP server: the whole route table, the live socket, health and metrics, as one aiohttp application.

`gateway/app.py` hands in ready objects (`ApiParts`) and serves what `make_app` gives. Every request takes the way of
`gateway.api.routing`; every error becomes a problem document.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web

from gateway.api import live_socket
from gateway.api.absences import Absences
from gateway.api.audit import Audit
from gateway.api.board import LiveBoard
from gateway.api.call_back_rules import CallBackRules
from gateway.api.call_choices import CallChoices
from gateway.api.call_control import CallControl
from gateway.api.call_lists import CallLists
from gateway.api.callers import Callers
from gateway.api.calls import Calls
from gateway.api.clienteles import Clienteles
from gateway.api.colleagues import Colleagues
from gateway.api.commands import Commands
from gateway.api.contacts import Contacts
from gateway.api.custom_fields import CustomFields
from gateway.api.day import Day
from gateway.api.demo import Demo
from gateway.api.dial_permissions import DialPermissions
from gateway.api.dispositions import Dispositions
from gateway.api.distribution import LeadDistribution
from gateway.api.doctor import Doctor
from gateway.api.endpoints import Endpoints
from gateway.api.events import Events, NewFacts
from gateway.api.exchange import Exchange
from gateway.api.exports import Exports
from gateway.api.external_ids import ExternalIds
from gateway.api.forms import Forms
from gateway.api.goals import Goals
from gateway.api.handovers import Handovers
from gateway.api.health import Health
from gateway.api.help_asks import HelpAsks
from gateway.api.imports import Imports
from gateway.api.inbound_routes import InboundRoutes
from gateway.api.keys import Keys
from gateway.api.live_orders import LiveOrders
from gateway.api.live_socket import LiveSocket
from gateway.api.manager_states import ManagerStates
from gateway.api.merges import CardMerges
from gateway.api.missed import MissedInbox
from gateway.api.openapi import add_document
from gateway.api.organisations import Organisations
from gateway.api.our_numbers import OurNumbers
from gateway.api.outcome_figures import OutcomeStatistics
from gateway.api.outcomes import Outcomes
from gateway.api.page import add_page
from gateway.api.parts import ApiParts
from gateway.api.phones import Phones
from gateway.api.problems import problem_middleware
from gateway.api.profile import Profile
from gateway.api.promises import Promises
from gateway.api.queue import Queue
from gateway.api.recording_orders import RecordingOrders
from gateway.api.recordings import Recordings
from gateway.api.report_subscriptions import ReportSubscriptions
from gateway.api.reports import Reports
from gateway.api.returned import ReturnedReports
from gateway.api.route import RouteQuestions, keep_warm
from gateway.api.routing import Route, add_routes
from gateway.api.routing_groups import RoutingGroups
from gateway.api.saved_views import SavedViews
from gateway.api.scheduled import ScheduledCalls
from gateway.api.search import Search
from gateway.api.security import Doorkeeper
from gateway.api.sessions import Sessions
from gateway.api.shipped import Shipped
from gateway.api.sockets import OpenSockets
from gateway.api.softphone import WS_PATH, SoftphoneRoutes
from gateway.api.softphone_desk import SoftphoneDesk
from gateway.api.softphone_socket import SoftphoneSocket
from gateway.api.spend import SpendRoutes
from gateway.api.state_rules import StateRules
from gateway.api.statistics import Statistics
from gateway.api.task_groups import TaskGroups
from gateway.api.task_people import TasksOfPeople
from gateway.api.tasks import Tasks
from gateway.api.teams import Teams
from gateway.api.timeline import Timeline
from gateway.api.touches import Touches
from gateway.api.users import Users
from gateway.api.webhook_log import WebhookLog
from gateway.api.webhooks import Webhooks
from gateway.api.working_hours import WorkingHours
from gateway.domain.errors import GatewayError, TryAgain
from gateway.store.access import AccessStore
from gateway.store.database import DATABASE_AWAY

__all__ = ["ApiParts", "make_app", "route_table"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class DatabaseAwayError(TryAgain):
    """The database is not reachable at the moment; nothing was changed, try again in a few seconds."""


def route_table(
    parts: ApiParts, sockets: OpenSockets, new_facts: NewFacts, softphones: SoftphoneDesk | None = None
) -> tuple[Route, ...]:
    """Every route below `/api/v1`, by resource."""
    return (
        *Sessions(parts, sockets).routes(),
        *Profile(parts, sockets).routes(),
        *SavedViews(parts).routes(),
        *Audit(parts).routes(),
        *Keys(parts, sockets).routes(),
        *Users(parts, sockets).routes(),
        *Colleagues(parts).routes(),
        *Phones(parts).routes(),
        *Endpoints(parts).routes(),
        *Doctor(parts).routes(),
        *Demo(parts).routes(),
        *Exchange(parts).routes(),
        *CallLists(parts).routes(),
        *Calls(parts).routes(),
        *Callers(parts).routes(),
        *CallChoices(parts).routes(),
        *Commands(parts).routes(),
        *CallControl(parts).routes(),
        *SoftphoneRoutes(parts, softphones).routes(),
        *Recordings(parts).routes(),
        *Promises(parts).routes(),
        *RecordingOrders(parts).routes(),
        *Contacts(parts).routes(),
        *CardMerges(parts).routes(),
        *Timeline(parts).routes(),
        *Organisations(parts).routes(),
        *CustomFields(parts).routes(),
        *Search(parts).routes(),
        *Imports(parts).routes(),
        *Exports(parts).routes(),
        *Statistics(parts).routes(),
        *Teams(parts).routes(),
        *Goals(parts).routes(),
        *Reports(parts).routes(),
        *ReturnedReports(parts).routes(),
        *ReportSubscriptions(parts).routes(),
        *SpendRoutes(parts).routes(),
        *Dispositions(parts).routes(),
        *Outcomes(parts).routes(),
        *OutcomeStatistics(parts).routes(),
        *LeadDistribution(parts).routes(),
        *Handovers(parts).routes(),
        *Clienteles(parts).routes(),
        *Absences(parts).routes(),
        *ManagerStates(parts).routes(),
        *StateRules(parts).routes(),
        *HelpAsks(parts).routes(),
        *LiveBoard(parts).routes(),
        *ExternalIds(parts).routes(),
        *Touches(parts).routes(),
        *Forms(parts).routes(),
        *Webhooks(parts).routes(),
        *WebhookLog(parts).routes(),
        *CallBackRules(parts).routes(),
        *MissedInbox(parts).routes(),
        *Queue(parts).routes(),
        *Day(parts).routes(),
        *TaskGroups(parts).routes(),
        *TasksOfPeople(parts).routes(),
        *Tasks(parts).routes(),
        *WorkingHours(parts).routes(),
        *DialPermissions(parts).routes(),
        *ScheduledCalls(parts).routes(),
        *Shipped(parts).routes(),
        *RouteQuestions(parts).routes(),
        *InboundRoutes(parts).routes(),
        *RoutingGroups(parts).routes(),
        *OurNumbers(parts).routes(),
        *Events(parts, new_facts, sockets).routes(),
    )


def make_app(parts: ApiParts) -> web.Application:
    """The application, ready to be run by an `AppRunner`.

    Args:
        parts: what it is made of; they must outlive it.
    """
    sockets, new_facts = OpenSockets(), NewFacts(parts)
    store = AccessStore(parts.pool)
    guard = Doorkeeper(
        sessions=store,
        keys=store,
        public_url=parts.settings.public_url,
        trusted_proxies=parts.settings.http.trusted_proxies,
    )
    health = Health(parts, guard, sockets)
    app = web.Application(middlewares=[health.middleware, problem_middleware, database_middleware])
    softphones = SoftphoneDesk(parts)
    endpoints = add_routes(app, route_table(parts, sockets, new_facts, softphones), guard)
    add_document(app, endpoints, title="Trunkline", version=parts.version)
    orders = LiveOrders(endpoints, guard, _through)
    app.router.add_get(WS_PATH, SoftphoneSocket(parts, guard, sockets, softphones).handle, allow_head=False)
    app.router.add_get(live_socket.PATH, LiveSocket(parts, guard, sockets, orders).handle, allow_head=False)
    health.add_to(app)
    add_page(app, parts.page)

    async def let_go(_app: web.Application) -> None:
        await softphones.lines.close()
        sockets.closing.set()

    async def listening(_app: web.Application) -> AsyncIterator[None]:
        running = {
            parts.tasks.create_task(new_facts.run(), name="listening for facts"),
            parts.tasks.create_task(keep_warm(parts), name="routing kept warm"),
            parts.tasks.create_task(softphones.run(), name="accounts of browsers' phones"),
        }
        yield
        for task in running:
            task.cancel()
        await asyncio.wait(running)

    app.on_shutdown.append(let_go)
    app.cleanup_ctx.append(listening)
    return app


def make_runner(app: web.Application, *, shutdown_timeout: float) -> web.AppRunner:
    """What serves the application; the same for the gateway and its tests.

    Bodies are never unpacked: half a megabyte that unpacks to six hundred keeps the event loop busy for half a second,
    also where nobody has signed in, and a call that rings meanwhile waits.

    Args:
        app: from `make_app`.
        shutdown_timeout: seconds that open requests get to end.
    """
    return web.AppRunner(app, access_log=None, shutdown_timeout=shutdown_timeout, auto_decompress=False)


async def _through(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Lead an order of the live socket through what every request goes through."""

    async def inner(inside: web.Request) -> web.StreamResponse:
        return await database_middleware(inside, handler)

    return await problem_middleware(request, inner)


@web.middleware
async def database_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell a caller that the database is away instead of that we failed."""
    try:
        return await handler(request)
    except GatewayError:
        raise
    except DATABASE_AWAY as fault:
        raise DatabaseAwayError from fault
