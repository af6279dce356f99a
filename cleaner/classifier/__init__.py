"""The classifier: evidence to verdict, by proofs, by weighed findings, and by a learned model where they are silent."""

from cleaner.classifier.advice import judge, judge_beside
from cleaner.classifier.judge import is_proven
from cleaner.classifier.model import Model

__all__ = ["Model", "is_proven", "judge", "judge_beside"]
