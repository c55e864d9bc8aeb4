"""A policy file read as the daemon would read it, without a daemon."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ratelord_core.cli.outcome import CommandFailed

if TYPE_CHECKING:
    from ratelord_core.model.config import Document
    from ratelord_core.plugins import Plugins


def default_path() -> Path:
    """The file that the daemon would read; a ``CommandFailed`` if there is none."""
    from ratelord_core.settings import load_settings

    path = load_settings().policy_path
    if path is None:
        raise CommandFailed("there is no policy file here; name one: ratelord policy check FILE")
    return path


def read_policy(path: Path, plugins: Plugins | None = None) -> Document:
    """The checked document. Raises ``PolicyError`` with every finding."""
    from ratelord_core import plugins as installed
    from ratelord_core.account_check import check_accounts
    from ratelord_core.policy.condition import Conditions
    from ratelord_core.policy.reader import read_document

    loaded = plugins or installed.load()
    providers = loaded.named("ratelord_register_providers")
    actions = loaded.actions()
    models = loaded.named("ratelord_register_forecast_models", "model_id")
    conditions = Conditions(loaded.named("ratelord_register_condition_functions").values())
    text = path.read_bytes()
    document = read_document(text, str(path), actions, providers, conditions, models)
    check_accounts(document, text, providers)
    return document
