"""Any provider whose responses carry rate-limit headers, by configuration alone."""
