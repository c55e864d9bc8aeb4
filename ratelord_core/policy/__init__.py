"""Policy: a checked document, compiled rules, and the verdict on one intent."""
