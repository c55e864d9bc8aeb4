"""``ratelord completion``: words completed by the shell, ids included."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import App, Parameter

from ratelord_core.cli.options import ADMINISTER
from ratelord_core.cli.outcome import DONE, USAGE, CommandFailed


def register(app: App) -> None:
    """Add the verb."""

    def completion(
        shell: Literal["bash", "zsh", "fish", "powershell"] | None = None,
        /,
        *,
        install: Annotated[bool, Parameter(negative=())] = False,
    ) -> int:
        """Print the script that lets a shell complete verbs, options and ids, or install it.

        Parameters
        ----------
        shell
            The shell; else the one this runs in.
        install
            Write the script where the shell finds it, and say where that is.
        """
        from cyclopts.completion import ShellDetectionError

        try:
            if install:
                print(f"installed: {app.install_completion(shell=shell)}; open a new shell")
            else:
                print(app.generate_completion(shell=shell))
        except ShellDetectionError as error:
            raise CommandFailed(
                "cannot tell which shell this is; name it: ratelord completion bash", USAGE
            ) from error
        return DONE

    app.command(completion, group=ADMINISTER)
