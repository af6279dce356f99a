"""
What Exchange is over EWS and over Graph alike: a store that keeps mail as properties and writes it anew.

    item.py       one message as its properties tell it
    originals.py  returned originals under the header that they came with
    folders.py    whole names and roles, from what the server says of each folder
    backoff.py    when a server wants to be left alone

Nothing here knows a protocol or a vendor's library.
"""
