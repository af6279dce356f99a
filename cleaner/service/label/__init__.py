"""
Labels: what people say is true of messages, so that it can be learned from.

`adding` takes them down, `listing` shows and withdraws them, `review` goes through what owners' moves propose,
`archive` carries them from one installation to another.
"""
