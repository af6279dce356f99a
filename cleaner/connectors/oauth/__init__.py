"""
Bearer tokens for mailboxes (RFC 6749, RFC 6750), from Microsoft, Google or any other provider.

    tokens.py      the token of one mailbox: kept, renewed before it expires, by one thread while others wait
    microsoft.py   Microsoft's, through msal
    wire.py        HTTP to sign-in endpoints, bounded; errors.py: what they refuse, and the remedy
"""

from __future__ import annotations

from cleaner.connectors.oauth.tokens import access_token

__all__ = ["access_token"]
