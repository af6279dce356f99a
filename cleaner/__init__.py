"""Bounce Cleaner: removes the undeliverable-mail reports that are not about your mail."""

__version__ = "0.1.0"
