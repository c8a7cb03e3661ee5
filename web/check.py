"""Check the page's sources: types, style, and the tests that need no browser. `python -m web.check`."""

import subprocess
import sys

from web.build import install_packages
from web.node import NoNodeError, find_node

CHECKS = (
    ("types", "node_modules/typescript/bin/tsc", "--noEmit"),
    ("style", "node_modules/eslint/bin/eslint.js", "--max-warnings=0", "."),
    ("tests", "node_modules/vitest/vitest.mjs", "run", "--reporter=dot"),
)


def main() -> int:
    """Run all checks; each that finds something is told."""
    try:
        node = find_node()
        install_packages(node)
    except NoNodeError as fault:
        print(fault, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as fault:
        print(f"{fault.stdout}\nThe page's packages cannot be had.", file=sys.stderr)
        return 1
    failed = 0
    for name, *words in CHECKS:
        print(f"The page: {name} ...", flush=True)
        try:
            node.run(*words)
        except subprocess.CalledProcessError as fault:
            print(fault.stdout, file=sys.stderr)
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
