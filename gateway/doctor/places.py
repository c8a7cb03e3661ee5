"""Where our lines go on each kind of PBX, and how they take effect: the file names behind every "exact line".

FreePBX and Issabel write their own files anew at every change and leave `*_custom.conf` alone; MikoPBX writes all of
`/etc/asterisk` at every boot and adds what stands under "System file customization". Read in the sources of FreePBX
16 and 17 (modules core, cel, framework), IssabelPBX, and MikoPBX 2026.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.settings import PbxKind

_FOLDER = "/etc/asterisk"
_RECORD_CALLS = (
    "inbound, before Dial or Queue: same => n,Gosub(trunkline-record,s,1)",
    "outbound, in Dial to the trunk: the option b(trunkline-record^s^1)",
)
_ROUTE_CALLS = ("exten => (your number),1,Gosub(trunkline-route,s,1(${EXTEN}))",)
_FROM_TRUNKLINE = (
    "[from-trunkline]",
    "exten => _[+0-9].,1,{call}",
    " same => n,Goto(from-trunk,${{EXTEN}},1)",
)
"""FreePBX and Issabel: a context of ours before theirs, which a trunk's own setting leads to."""
_BY_THE_TRUNK = "then, in the web pages, set the Context of each trunk to from-trunkline"
_FREEPBX_RECORD_CALLS = (
    *(line.format(call="Gosub(trunkline-record,s,1)") for line in _FROM_TRUNKLINE),
    "[macro-dialout-trunk-predial-hook]",
    "exten => s,1,Set(DIAL_TRUNK_OPTIONS=${DIAL_TRUNK_OPTIONS}U(trunkline-record^s^1))",
    " same => n,Return()",
    "(MacroExit() in place of Return() on FreePBX 16 and older, and on Issabel)",
    _BY_THE_TRUNK,
)
_FREEPBX_ROUTE_CALLS = (
    *(line.format(call="Gosub(trunkline-route,s,1(${EXTEN}))") for line in _FROM_TRUNKLINE),
    _BY_THE_TRUNK,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The files of one kind of PBX, and what has to be known of it."""

    kind: PbxKind
    title: str
    """How a sentence names it."""
    page: str
    """Of `deploy/asterisk`, with everything step by step."""
    manager: str
    dialplan: str
    globals_file: str
    globals_section: str
    """The line to write above a global variable; empty: the file is inside that section already."""
    cel_file: str
    cel_section: str
    """As `globals_section`."""
    cel_include: str
    mapping_include: str
    endpoints: str
    web_server: str
    web_section: str
    record_calls: tuple[str, ...] = _RECORD_CALLS
    """Lines of the dialplan that have calls recorded."""
    route_calls: tuple[str, ...] = _ROUTE_CALLS
    """Lines of the dialplan that ask for a route."""
    own_events: bool = False
    """Whether it writes `events=all` itself, anew each time, so that only keyed digits can be kept out."""
    own_journal: bool = True
    """Whether cel_custom is to be had, and so a journal of our own."""
    by_hand: str = ""
    """How a file is changed there, where not by an editor; `{file}` stands for its name."""

    def write(self, file: str, *lines: str, copied: str | None = None) -> tuple[str, ...]:
        """What to do to have lines in a file.

        Args:
            file: one of the names above.
            lines: to write into it.
            copied: our file that they include; None: none.
        """
        if self.by_hand:
            pasted = f"(here all of deploy/asterisk/{copied})"
            own = (pasted if line == f"#include {copied}" else line for line in lines)
            return (self.by_hand.format(file=file), *own)
        what = f"write in {file}:"
        return (f"copy deploy/asterisk/{copied} to {_FOLDER} and {what}" if copied else what, *lines)

    def events(self) -> tuple[str, ...]:
        """The journal's events."""
        section = (self.cel_section,) if self.cel_section else ()
        return (
            *self.write(self.cel_file, *section, f"#include {self.cel_include}", copied=self.cel_include),
            "then: asterisk -rx 'module reload cel'",
        )

    def mapping(self) -> tuple[str, ...]:
        """The journal's own file."""
        if not self.own_journal:
            return (f"see deploy/asterisk/{self.page}",)
        return (
            *self.write(
                "cel_custom.conf", "[mappings]", f"#include {self.mapping_include}", copied=self.mapping_include
            ),
            "then: asterisk -rx 'module load cel_custom.so' and 'module reload cel_custom.so'",
        )

    def account(self, user: str, template: str = "trunkline_manager.conf") -> tuple[str, ...]:
        """The whole manager account."""
        return (
            *self.write(
                self.manager,
                f"#include {template}",
                f"[{user}](trunkline-rights)",
                "secret = (a long random word)",
                "permit = (the gateway's address)/255.255.255.255",
                copied=template,
            ),
            "then: asterisk -rx 'manager reload'",
        )

    def subroutine(self, include: str, *lines: str) -> tuple[str, ...]:
        """One of our files of dialplan, and further lines to write."""
        return (
            *self.write(self.dialplan, f"#include {include}", copied=include),
            "then: asterisk -rx 'dialplan reload'",
            *lines,
        )

    def variable(self, name: str, value: str) -> tuple[str, ...]:
        """A global variable of the dialplan."""
        section = (self.globals_section,) if self.globals_section else ()
        return (
            *self.write(self.globals_file, *section, f"{name} = {value}"),
            "then: asterisk -rx 'dialplan reload'",
        )


_ASTERISK = Places(
    kind=PbxKind.ASTERISK,
    title="a plain Asterisk",
    page="asterisk.md",
    manager="manager.conf",
    dialplan="extensions.conf",
    globals_file="extensions.conf",
    globals_section="[globals]",
    cel_file="cel.conf",
    cel_section="[general]",
    cel_include="trunkline_cel_general.conf",
    mapping_include="trunkline_cel_custom.conf",
    endpoints="pjsip.conf",
    web_server="http.conf",
    web_section="[general]",
)
_FREEPBX = Places(
    kind=PbxKind.FREEPBX,
    title="a FreePBX",
    page="freepbx.md",
    manager="manager_custom.conf",
    dialplan="extensions_custom.conf",
    globals_file="globals_custom.conf",
    globals_section="",
    cel_file="cel_general_custom.conf",
    cel_section="",
    cel_include="trunkline_cel_general_freepbx.conf",
    mapping_include="trunkline_cel_custom_masked.conf",
    endpoints="pjsip_custom_post.conf",
    web_server="http_custom.conf",
    web_section="[general](+)",
    own_events=True,
    record_calls=_FREEPBX_RECORD_CALLS,
    route_calls=_FREEPBX_ROUTE_CALLS,
)
_ISSABEL = Places(
    kind=PbxKind.ISSABEL,
    title="an Issabel",
    page="issabel.md",
    manager="manager_custom.conf",
    dialplan="extensions_custom.conf",
    globals_file="globals_custom.conf",
    globals_section="",
    cel_file="cel_general_custom.conf",
    cel_section="",
    cel_include="trunkline_cel_general_freepbx.conf",
    mapping_include="trunkline_cel_custom_masked.conf",
    endpoints="pjsip_custom_post.conf",
    web_server="http_custom.conf",
    web_section="[general](+)",
    own_events=True,
    record_calls=_FREEPBX_RECORD_CALLS,
    route_calls=_FREEPBX_ROUTE_CALLS,
)
_MIKOPBX = Places(
    kind=PbxKind.MIKOPBX,
    title="a MikoPBX",
    page="mikopbx.md",
    manager="manager.conf",
    dialplan="extensions.conf",
    globals_file="extensions.conf",
    globals_section="[globals](+)",
    cel_file="cel.conf",
    cel_section="[general](+)",
    cel_include="trunkline_cel_general.conf",
    mapping_include="trunkline_cel_custom.conf",
    endpoints="pjsip.conf",
    web_server="http.conf",
    web_section="[general](+)",
    own_journal=False,
    record_calls=("let MikoPBX record (General settings), and take its files in: recordings.way = site",),
    route_calls=(
        "[(provider's id)-incoming-custom]",
        "exten => _[+0-9]!,1,Gosub(trunkline-route,s,1(${EXTEN}))",
        " same => n,Return()",
    ),
    by_hand='in its web pages, System, System file customization, {file}, mode "Add to end of file":',
)
PLACES: Mapping[PbxKind, Places] = {places.kind: places for places in (_ASTERISK, _FREEPBX, _ISSABEL, _MIKOPBX)}
"""By kind; `auto` is none."""
