"""What every door shares: requests checked, decisions put into wire form."""
