"""Where the things of a document stand in its file."""

from __future__ import annotations

import yaml

from ratelord_core.errors import Finding
from ratelord_core.policy.tree import compose, decode

Step = str | int


class Places:
    """Finds nodes by their path: keys of mappings, places in lists."""

    def __init__(self, text: str | bytes) -> None:
        self._root = compose(decode(text))

    def warn(self, message: str, *path: Step, hint: str = "") -> Finding:
        """A warning about what stands at a path, or at the nearest thing around it that is
        written."""
        return self.finding(message, *path, hint=hint, severity="warning")

    def finding(
        self, message: str, *path: Step, hint: str = "", severity: str = "error"
    ) -> Finding:
        """The same, of any severity."""
        node, reached = self._node(path)
        shown = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in reached)
        line, column = (0, 0)
        if node is not None:
            line, column = node.start_mark.line + 1, node.start_mark.column + 1
        return Finding(message, line, column, shown.lstrip("."), hint, severity)

    def index(self, section: str, item_id: str, *deeper: Step) -> int:
        """The place in a section's list (or in one deeper in it) of the item with that id; 0 if it
        is not there."""
        node, _ = self._node((section, *deeper))
        for at, item in enumerate(node.value if isinstance(node, yaml.SequenceNode) else ()):
            own = _member(item, "id")
            if own is not None and own.value in (item_id, item_id.removeprefix("local/")):
                return at
        return 0

    def has(self, *path: Step) -> bool:
        """Whether something is written at exactly that path."""
        return self._node(path)[1] == path

    def _node(self, path: tuple[Step, ...]) -> tuple[yaml.Node | None, tuple[Step, ...]]:
        node = self._root
        reached: tuple[Step, ...] = ()
        for step in path:
            inner = _member(node, step)
            if inner is None:
                break
            node, reached = inner, (*reached, step)
        return node, reached


def _member(node: yaml.Node | None, step: Step) -> yaml.Node | None:
    if isinstance(step, int):
        items = node.value if isinstance(node, yaml.SequenceNode) else []
        return items[step] if step < len(items) else None
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    found: yaml.Node | None = next(
        (value for key, value in pairs if isinstance(key, yaml.ScalarNode) and key.value == step),
        None,
    )
    return found
