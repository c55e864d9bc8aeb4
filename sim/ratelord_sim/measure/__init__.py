"""What is measured on the stage, and the names that invariants have for it."""
