"""How the pages are built. Reference pages are generated from the code: see ``_ext``."""

from __future__ import annotations

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "ratelord"
author = "the ratelord authors"
release = version = version_of("ratelord")

extensions = [
    "myst_parser",
    "agent_tools",
    "condition_reference",
    "hook_reference",
    "event_catalogue",
    "settings_table",
    "verb_reference",
    "scenario_reference",
]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "plugins/*/*"]  # projects of their own
root_doc = "index"
nitpicky = True

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_show_copyright = False
html_title = "ratelord"
html_show_sphinx = False
html_copy_source = False
html_use_index = False
