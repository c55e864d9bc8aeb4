"""Delay controllers on the same loads: who uses a window up, evenly, fairly, without a refusal?"""
