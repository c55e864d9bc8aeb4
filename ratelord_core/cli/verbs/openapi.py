"""``ratelord openapi``: the HTTP interface as an OpenAPI document, for generators of clients."""

from __future__ import annotations

import sys

from cyclopts import App

from ratelord_core.cli.options import ADMINISTER
from ratelord_core.cli.outcome import DONE


def register(app: App) -> None:
    """Add the verb."""
    app.command(openapi, group=ADMINISTER)


def openapi() -> int:
    """Print the HTTP interface as an OpenAPI 3.1 document (JSON); needs no daemon.

    A daemon serves the same at /openapi.json, and as a page at /docs.
    """
    import msgspec

    from ratelord_core import plugins
    from ratelord_core.http.described import described
    from ratelord_core.http.openapi import published
    from ratelord_core.settings import load_settings

    doors = plugins.load(load_settings().without).things("ratelord_register_doors")
    text = published(described(doors, debug=False))
    sys.stdout.write(msgspec.json.format(text, indent=2).decode() + "\n")
    return DONE
