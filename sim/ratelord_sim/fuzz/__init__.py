"""The search for trouble: random scenarios, held to laws that no scenario may break."""
