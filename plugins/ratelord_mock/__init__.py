"""A provider that exists only here: deterministic, seeded, told what to report and when to fail."""
