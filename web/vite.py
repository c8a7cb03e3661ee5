"""Vite's own server, with whatever node there is: `python -m web.vite --port 5173`."""

import os
import sys

from web.build import install_packages
from web.node import WEB, find_node


def main() -> None:
    """Become Vite."""
    node = find_node()
    install_packages(node)
    os.chdir(WEB)
    os.execv(node.program, [node.program, "node_modules/vite/bin/vite.js", *sys.argv[1:]])  # noqa: S606 - no shell


if __name__ == "__main__":
    main()
