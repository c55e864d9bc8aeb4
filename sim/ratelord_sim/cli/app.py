"""Puts the verbs together, runs one, and turns whatever happens into an exit code and a line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Literal

from cyclopts import App, CycloptsError, Parameter

from ratelord_core import __version__
from ratelord_core.cli.outcome import DONE, USAGE, say_and_code
from ratelord_sim.cli import check, compare, fuzz, new, play, policy, shelf, submit

PROLOGUE = """Crowds on a stage: the real engine in virtual time, and scenarios that argue for it.

First time here? Type: ratelord-sim run s01 --report s01.html"""


def build(name: str = "ratelord-sim") -> App:
    """The whole command line, under the name by which it was called."""
    app = App(
        name=name,
        help=PROLOGUE,
        help_format="plaintext",
        default_parameter=Parameter(show_default=False),
        version=__version__,
        version_flags=["--version"],
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )
    app.command(shelf.list_, name="list")
    app.command(play.run, name="run")
    app.command(check.check, name="check")
    app.command(new.new, name="new")
    app.command(compare.compare, name="compare")
    app.command(fuzz.fuzz, name="fuzz")
    app.command(policy.policy, name="policy")
    app.command(submit.submit, name="submit")
    app.command(_completion(app), name="completion")
    return app


def _completion(app: App):  # type: ignore[no-untyped-def]  # a verb; its signature is its help
    def completion(
        shell: Literal["bash", "zsh", "fish"],
        /,
        *,
        install: Annotated[bool, Parameter(negative=())] = False,
    ) -> int:
        """Print the script that lets a shell complete verbs and options, or install it.

        Parameters
        ----------
        shell
            The shell.
        install
            Write the script where the shell finds it.
        """
        if install:
            print(f"installed: {app.install_completion(shell=shell)}; open a new shell")
        else:
            print(app.generate_completion(shell=shell))
        return DONE

    return completion


def run(arguments: Sequence[str], name: str = "ratelord-sim") -> int:
    """Run one command; returns the exit code. Errors are one line on standard error."""
    try:
        code = build(name)(list(arguments), exit_on_error=False, print_error=False)
        sys.stdout.flush()
    except CycloptsError as error:
        said = " ".join(str(error).split()).rstrip(".")
        print(f"{name}: {said}; see: {name} --help", file=sys.stderr)
        return USAGE
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else DONE
    except BaseException as error:  # noqa: BLE001 - the last door: every error becomes a line
        return say_and_code(error)
    return code if isinstance(code, int) else DONE
