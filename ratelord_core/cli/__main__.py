"""``python -m ratelord_core.cli`` is ``ratelord``."""

from ratelord_core.cli import main

if __name__ == "__main__":
    main()
