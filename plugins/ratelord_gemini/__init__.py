"""Gemini and Vertex AI: limits as configured, corrected by what refusals say."""
