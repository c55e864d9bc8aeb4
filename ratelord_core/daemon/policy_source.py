"""Where a daemon's policy comes from, and what it takes to read it."""

from __future__ import annotations

from pathlib import Path

from ratelord_core.account_check import check_accounts
from ratelord_core.daemon.accounts import Accounts
from ratelord_core.daemon.policy_watch import digest_of
from ratelord_core.errors import Finding, PolicyError, SettingsError
from ratelord_core.model.config import Document
from ratelord_core.plugins import Plugins
from ratelord_core.policy.condition import Conditions
from ratelord_core.policy.stack import PolicyStack, compile_policy, load


class PolicySource:
    """Reads the policy file, or any text, as this daemon's plugins understand it."""

    def __init__(self, path: Path | None, plugins: Plugins, accounts: Accounts) -> None:
        self.path = path
        self.digest = ""
        """Of what was read last, whether it was valid or not."""
        self._accounts = accounts
        self._actions = plugins.actions()
        self._functions = plugins.named("ratelord_register_condition_functions")
        self._models = plugins.named("ratelord_register_forecast_models", "model_id")

    def read(self) -> PolicyStack:
        """The file as it stands. Raises ``PolicyError`` with every finding. Once one was read, a
        file that is gone or empty is no wish to lift every limit."""
        if self.path is None:
            return self.check("", "built-in defaults")
        try:
            content = self.path.read_bytes()
        except OSError as error:
            if self.digest:
                finding = Finding(f"cannot be read: {error.strerror}")
                raise PolicyError(str(self.path), [finding]) from error
            message = f"policy file {self.path}: {error.strerror}; check --policy"
            raise SettingsError(message) from error
        if self.digest and not content.strip():
            self.digest = digest_of(content)
            hint = "write {} for a policy without limits"
            raise PolicyError(str(self.path), [Finding("the file is empty", 1, 1, hint=hint)])
        self.digest = digest_of(content)
        return self.check(content, str(self.path))

    def compiled(self, document: Document) -> PolicyStack:
        """A document of the log, ready to judge."""
        conditions = Conditions(self._functions.values())
        return compile_policy(document, self._actions, conditions)

    def check(self, text: str | bytes, source: str) -> PolicyStack:
        """Any text as a policy. Raises ``PolicyError`` with every finding."""
        functions = self._functions.values()
        kinds = self._accounts.kinds
        stack = load(text, source, self._actions, kinds, self._models, functions)
        check_accounts(stack.document, text, kinds)
        return stack
