"""``python -m ratelord_sim.cli`` is ``ratelord-sim``."""

from ratelord_sim.cli import main

if __name__ == "__main__":
    main()
