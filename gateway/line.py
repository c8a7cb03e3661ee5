"""One PBX with everything that serves it: its journal, its pipeline, its manager interface, its recordings."""

from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime

from exchange.engine import EmbeddedEngine
from exchange.rows import read_row as read_exchange_row
from gateway.api.parts import PartState
from gateway.commands.steps import refused as command_refused
from gateway.domain.legs import LegEvent
from gateway.exchange_line import ExchangeLine
from gateway.holding import Holding
from gateway.live import Live
from gateway.orders import OrderReview
from gateway.pipeline import Pipeline
from gateway.preview import Preview
from gateway.queue_pauses import QueuePauses
from gateway.reading import kept_up, read_journal
from gateway.receiving import Receiving
from gateway.reconcile import Reconciler
from gateway.recording_by_order import RecordingByOrder, ari_config, open_recording
from gateway.settings import Pbx, Settings
from gateway.site import ami_config, base_directory
from gateway.store.database import Pool
from gateway.store.staff import Tables, load_tables
from gateway.table_reading import TableReading, table_source
from sip.ami import AmiSession, open_ami
from sip.ami_legs import ami_leg_event
from sip.ami_protocol import Message
from sip.asterisk import Asterisk, DialTemplate
from sip.cel import BadRow, Clock, read_row
from sip.cel_table import is_table_row, read_table_row
from sip.journal import JournalCondition, JournalStatus
from sip.softphone import AsteriskSoftphones, open_softphones

Task = Coroutine[object, object, object]
_WORDS = {
    JournalCondition.NO_SERVER: "the database of the CEL table does not answer",
    JournalCondition.NO_LOGIN: "the database of the CEL table refuses our user or password",
    JournalCondition.NO_PERMISSION: "our user may not read it",
    JournalCondition.NO_TABLE: "there is no such database or table",
    JournalCondition.NO_COLUMN: "the CEL table lacks a column that every call needs",
    JournalCondition.WRONG_ZONE: "the times of the CEL table are of another zone than journal.timezone says",
}
"""For people; the others say it themselves."""


@dataclass(slots=True, kw_only=True)
class Line:
    """One PBX, ready to run."""

    settings: Pbx
    pool: Pool
    pipeline: Pipeline
    reconciler: Reconciler
    holding: Holding
    """Whether this node reads the journal."""
    asterisk: Asterisk | EmbeddedEngine | None = None
    """What takes our orders; None: the PBX has no manager interface for us."""
    exchange: ExchangeLine | None = None
    """The embedded engine's own; None: it is a PBX."""
    recording: RecordingByOrder | None = None
    """None: nobody is told to record, for the dialplan or the site does."""
    softphones: AsteriskSoftphones | None = None
    """None: it takes no phones in browsers."""
    orders: OrderReview | None = None
    """None: it takes no orders, having no manager interface."""
    queues: QueuePauses | None = None
    """None: nobody is paused there."""
    journal: JournalStatus = field(default_factory=JournalStatus)
    receiving: Receiving | None = None
    """Takes what the PBX's host sends; None: the journal is a file here, or a table."""
    table: TableReading | None = None
    """Reads a table of the PBX's own database; None: the journal is none."""

    def tasks(self) -> dict[str, Task]:
        """What runs for ever for this PBX, by name."""
        name, path = self.settings.name, self.settings.journal.path
        tasks: dict[str, Task] = {}
        if path is not None:

            async def read() -> None:
                days, reader = self.settings.journal.history_days, row_reader(self.settings)
                await read_journal(
                    path, self.pool, self.pipeline, self.journal, self.holding, history_days=days, read=reader
                )

            tasks[f"journal of {name}"] = self.holding.run(lambda: kept_up(read, f"journal of {name}"))
        if self.table is not None:
            follow = self.table.run
            tasks[f"journal of {name}"] = self.holding.run(lambda: kept_up(follow, f"journal of {name}"))
        if self.receiving is not None:
            tasks[f"journal of {name}"] = kept_up(self.receiving.run, f"journal of {name}")
        if self.exchange is not None:
            tasks["exchange"] = self.exchange.run()
        elif self.asterisk is not None:
            tasks[f"asterisk {name}"] = self.asterisk.run()
        if self.orders is not None:
            tasks[f"orders of {name}"] = kept_up(self.orders.run, f"orders of {name}")
        if self.recording is not None:
            tasks[f"recorder of {name}"] = Holding(self.pool, f"recorder of {name}").run(self.recording.run)
        if self.queues is not None:
            part, pauses = f"queues of {name}", self.queues
            tasks[part] = Holding(self.pool, part).run(lambda: kept_up(pauses.run, part))
        tasks[f"reconciler of {name}"] = kept_up(self.reconciler.run, f"reconciler of {name}")
        return tasks

    def states(self) -> list[PartState]:
        """How this PBX's parts are doing."""
        name, states = self.settings.name, []
        if self.settings.journal.path is not None or self.table is not None:
            reading = self.holding.lease is not None and self.journal.condition is JournalCondition.READING
            detail = "" if reading else f"the journal cannot be read: {told_of(self.journal)}"
            if self.holding.another:
                reading, detail = True, "another node reads it; this one stands by"
            states.append(PartState(name=f"journal of {name}", ready=reading, detail=detail))
        if self.receiving is not None:
            told = self.journal
            reading = told.condition is JournalCondition.READING
            detail = "" if reading else told.trouble or f"the journal cannot be read there: {told.condition}"
            states.append(PartState(name=f"journal of {name}", ready=reading, detail=detail))
        if self.exchange is not None:
            engine = self.exchange.engine.state
            states.append(PartState(name="exchange", ready=engine.connected, detail=engine.trouble))
        elif self.asterisk is not None:
            up = self.asterisk.state.connected
            detail = "" if up else "no manager session: click-to-call is not possible"
            states.append(PartState(name=f"manager interface of {name}", ready=up, detail=detail))
        return states


def row_reader(pbx: Pbx) -> Callable[[bytes], LegEvent | None]:
    """The mapper of a PBX's journal rows, with its zone where times are local."""
    if pbx.is_embedded:
        return read_exchange_row
    clock = Clock(timezone=pbx.journal.timezone) if pbx.journal.timezone else None
    return lambda row: read_table_row(row) if is_table_row(row) else read_row(row, clock)


def told_of(journal: JournalStatus) -> str:
    """Why a journal is not read, in words; `trunkline doctor` says what to do."""
    return _WORDS.get(journal.condition, str(journal.condition))


async def tables_of(settings: Settings, pbx: Pbx, pool: Pool) -> Tables:
    """Who is who on a PBX at this moment: the configuration's trunks, the database's people."""
    return await load_tables(pool, base_directory(pbx, settings.company), settings.company.timezone)


async def open_line(
    stack: AsyncExitStack,
    settings: Settings,
    pbx: Pbx,
    pool: Pool,
    live: Live,
    on_reload: Callable[[str], None] = lambda _: None,
) -> Line:
    """Build everything that serves one PBX; what must be closed is closed with the stack.

    Args:
        stack: closes it.
        settings: the site's.
        pbx: which.
        pool: the database.
        live: the live bus.
        on_reload: told the name of the PBX when Asterisk says that it was started or loaded something anew.
    """
    if pbx.is_embedded:
        return await _open_embedded(settings, pbx, pool, live)
    journal = JournalStatus()
    pipeline = Pipeline(
        pool,
        row_reader(pbx),
        await tables_of(settings, pbx, pool),
        live,
        long_seconds=settings.goals.seconds,
        holds_seen=pbx.ami is not None,
    )
    asterisk = session = None
    connected: list[Callable[[], None]] = []
    if pbx.ami is not None:
        session = await stack.enter_async_context(open_ami(ami_config(pbx.ami)))
        _tell_reloads(session, pbx.name, on_reload)
        asterisk = _engine(session, pbx, pool, pipeline, live, journal, connected)
    holding = Holding(pool, f"journal of {pbx.name}")
    receiving = Receiving(pool, pipeline, journal, read=row_reader(pbx)) if pbx.journal.shipped else None
    source = table_source(pbx.journal)
    table = None
    if source is not None:
        days = pbx.journal.history_days
        table = TableReading(source, pool, pipeline, journal, read=row_reader(pbx), history_days=days, holding=holding)
    if session is not None and pbx.journal.path is None and table is None:
        _show_by_ami(session, Preview(pool, live, lambda: pipeline.tables), receiving)

    def behind() -> bool:
        if receiving is not None:
            return receiving.may_lack_rows or pipeline.rows_wait
        return _rows_may_wait(journal, holding, pipeline)

    reconciler = Reconciler(
        pbx=pbx.name,
        pool=pool,
        standing=asterisk.standing if asterisk else None,
        open_legs=pipeline.open_legs,
        note=pipeline.note,
        is_behind=behind,
    )
    if receiving is not None:
        receiving.hear_clock = reconciler.hear_clock
    connected.append(reconciler.look_now)
    orders = None
    if asterisk is not None:
        durable = pbx.journal.path is not None or receiving is not None or table is not None
        orders = OrderReview(pool, pbx.name, live, is_behind=lambda: durable and behind())
        connected.append(orders.look_now)
    queues = None
    if asterisk is not None:
        engine = asterisk
        queues = QueuePauses(pool, live, pbx.name, engine, is_connected=lambda: engine.state.connected)
        connected.append(queues.look_now)
    recording = await open_recording(stack, settings, pbx, pool, live, session)
    if asterisk is not None and recording is not None:
        asterisk.recorder = recording.by
    softphones = None
    if pbx.softphone is not None and pbx.ari is not None and session is not None:
        template = DialTemplate(channel=pbx.originate.channel, context=pbx.originate.context)
        opened = open_softphones(session, ari_config(pbx.ari), template=template, open_legs=pipeline.open_legs)
        softphones = await stack.enter_async_context(opened)
    return Line(
        settings=pbx,
        softphones=softphones,
        recording=recording,
        pool=pool,
        pipeline=pipeline,
        reconciler=reconciler,
        holding=holding,
        asterisk=asterisk,
        orders=orders,
        queues=queues,
        journal=journal,
        receiving=receiving,
        table=table,
    )


async def _open_embedded(settings: Settings, pbx: Pbx, pool: Pool, live: Live) -> Line:
    """The line of the embedded engine: the same journal, pipeline and reconciler, and an exchange of our own."""
    journal = JournalStatus()
    tables = await tables_of(settings, pbx, pool)
    seconds = settings.goals.seconds
    pipeline = Pipeline(pool, row_reader(pbx), tables, live, long_seconds=seconds, holds_seen=True)
    for folder in (pbx.journal.path, pbx.recordings.folder):  # the readers meet them before the exchange makes them
        if folder is not None:
            (folder.parent if folder.suffix else folder).mkdir(mode=0o750, parents=True, exist_ok=True)
    exchange = ExchangeLine(settings, pool, live, plan=lambda: pipeline.tables.directory.plan)
    holding = Holding(pool, f"journal of {pbx.name}")

    def behind() -> bool:
        return _rows_may_wait(journal, holding, pipeline)

    reconciler = Reconciler(
        pbx=pbx.name,
        pool=pool,
        standing=exchange.engine.standing,
        open_legs=pipeline.open_legs,
        note=pipeline.note,
        is_behind=behind,
    )
    orders = OrderReview(pool, pbx.name, live, is_behind=behind)
    exchange.on_connect += [reconciler.look_now, orders.look_now]
    return Line(
        settings=pbx,
        pool=pool,
        pipeline=pipeline,
        reconciler=reconciler,
        holding=holding,
        asterisk=exchange.engine,
        exchange=exchange,
        orders=orders,
        journal=journal,
    )


def _rows_may_wait(journal: JournalStatus, holding: Holding, pipeline: Pipeline) -> bool:
    """Whether the journal may hold what is not committed yet, by us or by the node that reads it."""
    reading = journal.condition is JournalCondition.READING and journal.lag_bytes == 0 == journal.lag_rows
    return holding.lease is None or not reading or pipeline.rows_wait or pipeline.reads_history


def _tell_reloads(session: AmiSession, pbx: str, on_reload: Callable[[str], None]) -> None:
    """A reload may have undone what was set up on the PBX; a forged one costs a look."""

    async def hear(message: Message) -> None:
        on_reload(pbx)

    session.on(("Reload", "FullyBooted"), hear)


def _show_by_ami(session: AmiSession, preview: Preview, receiving: Receiving | None) -> None:
    """Show the calls of a PBX whose journal is elsewhere, while nobody sends it: a sent row is as quick."""

    async def hear(message: Message) -> None:
        if receiving is not None and receiving.is_heard:
            return
        try:
            event = ami_leg_event({k: message.first(k) for k in message})
        except BadRow:
            return  # a row that no journal could hold: a caller's text, or a version of Asterisk we do not know
        if event is not None:
            await preview.hear(event)

    session.on(("CEL",), hear)


def _engine(
    session: AmiSession,
    pbx: Pbx,
    pool: Pool,
    pipeline: Pipeline,
    live: Live,
    journal: JournalStatus,
    connected: list[Callable[[], None]],
) -> Asterisk:
    async def refused(order: str, reason: str, at: datetime) -> None:
        await command_refused(pool, live, order, reason)

    def tell() -> None:
        for hook in connected:
            hook()

    return Asterisk(
        session,
        pbx=pbx.name,
        template=DialTemplate(channel=pbx.originate.channel, context=pbx.originate.context),
        note=pipeline.note,
        open_legs=pipeline.open_legs,
        on_refused=refused,
        last_row_at=lambda: journal.last_read_at,
        on_connect=tell,
    )
