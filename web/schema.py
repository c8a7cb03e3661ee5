"""Make `src/api/schema.ts`, the types of our API, from the gateway's own OpenAPI document: `python -m web.schema`.

The file is committed, so that the page is built without the gateway's packages; a test compares it with the code.
"""

import tempfile
from pathlib import Path

from gateway.__main__ import main as trunkline
from web.build import install_packages
from web.node import WEB, find_node

SCHEMA = WEB / "src" / "api" / "schema.ts"
OPTIONS = (
    "--default-non-nullable=false",  # a field with a default may be left out of what is sent
    "--root-types",
    "--root-types-no-schema-prefix",
)


def schema() -> str:
    """The file as it has to be now."""
    node = find_node()
    install_packages(node)
    with tempfile.TemporaryDirectory() as place:
        document, made = Path(place) / "openapi.json", Path(place) / "schema.ts"
        if trunkline(["openapi", "--client", "--out", str(document)]) != 0:
            raise SystemExit(1)
        node.run("node_modules/openapi-typescript/bin/cli.js", str(document), "-o", str(made), *OPTIONS)
        return made.read_text()


def main() -> None:
    """Write the file where it differs."""
    text = schema()
    if SCHEMA.exists() and SCHEMA.read_text() == text:
        print("src/api/schema.ts is up to date.")
        return
    SCHEMA.parent.mkdir(parents=True, exist_ok=True)
    SCHEMA.write_text(text)
    print("src/api/schema.ts is made anew.")


if __name__ == "__main__":
    main()
