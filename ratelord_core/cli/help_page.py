"""How a page of ``--help`` is laid out: paragraphs fill the width, defaults are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cyclopts.help import HelpEntry, HelpPanel
    from rich.console import Console, ConsoleOptions

_KEEPS_ITS_LINE = (" ", "-", "*")


def flowed(text: str) -> str:
    """The text with each paragraph on one line, for the screen to break; lists keep their lines.

    Docstrings are broken where the source file ends, which no terminal is as wide as.
    """
    lines: list[str] = []
    for line in text.replace("``", "").splitlines():
        goes_on = lines and lines[-1] and line and not line.startswith(_KEEPS_ITS_LINE)
        if goes_on and not lines[-1].startswith(" "):
            lines[-1] = f"{lines[-1]} {line}"
        else:
            lines.append(line)
    return "\n".join(lines)


def worth_saying(default: Any) -> str | None:
    """How a parameter's default is shown; nothing for those that only mean "not given"."""
    if default is None or default is False or default in ((), ""):
        return None
    return f"{default:g}" if isinstance(default, float) else str(default)


class HelpPage:
    """A formatter for cyclopts. The library's own, and rich, are loaded when a page is shown."""

    def __call__(self, console: Console, options: ConsoleOptions, panel: HelpPanel) -> None:
        """Show one panel of commands or parameters."""
        from cyclopts.help import DefaultFormatter

        entries = [_entry(each) for each in panel.entries]
        DefaultFormatter()(console, options, panel.copy(entries=entries))

    def render_usage(self, console: Console, options: ConsoleOptions, usage: Any) -> None:
        """Show the line that says how it is called."""
        from cyclopts.help import DefaultFormatter

        DefaultFormatter().render_usage(console, options, usage)

    def render_description(self, console: Console, options: ConsoleOptions, said: Any) -> None:
        """Show what it does."""
        if said:
            console.print(_refilled(said))


def _entry(entry: HelpEntry) -> HelpEntry:
    return entry.copy(description=_refilled(entry.description))


def _refilled(said: Any) -> Any:
    """The same renderable, if it is plain text with its lines joined."""
    from cyclopts.help import InlineText
    from rich.text import Text

    if not isinstance(said, InlineText) or not isinstance(said.primary_renderable, Text):
        return said
    plain = Text(flowed(said.primary_renderable.plain), end=said.primary_renderable.end)
    return InlineText(plain, force_empty_end=said.force_empty_end)
