"""``ratelord completion``: words completed by the shell, ids included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from cyclopts import App, Parameter

from ratelord_core.cli.options import ADMINISTER
from ratelord_core.cli.outcome import DONE, USAGE, CommandFailed

_READ_BY_ZSH = "; it needs in ~/.zshrc: autoload -Uz compinit && compinit"


def register(app: App) -> None:
    """Add the verb."""
    app.command(completion_of(app), name="completion", group=ADMINISTER)


def completion_of(app: App) -> Callable[..., int]:
    """The verb, for all that ``app`` knows; its signature is its help."""

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
                path = app.install_completion(shell=shell)
                zsh = _READ_BY_ZSH if path.name.startswith("_") else ""
                print(f"installed: {path}; open a new shell{zsh}")
            else:
                print(app.generate_completion(shell=shell))
        except ShellDetectionError as error:
            said = f"cannot tell which shell this is; name it: {app.name[0]} completion bash"
            raise CommandFailed(said, USAGE) from error
        return DONE

    return completion
