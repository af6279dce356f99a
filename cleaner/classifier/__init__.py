"""The classifier: evidence to verdict. Today it weighs by a table; a learned model will have its place here."""

from cleaner.classifier.judge import is_proven, judge, would_change

__all__ = ["is_proven", "judge", "would_change"]
