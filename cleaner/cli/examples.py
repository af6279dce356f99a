"""Examples that `--help` shows, by command; where a command's own text has some, none stand here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

EXAMPLES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "demo": (("demo", "in ./demo"), ("demo /tmp/try", "in a directory of your choice")),
    "init": (
        ("init", "writes ./cleaner.toml"),
        ("init /etc/bounce-cleaner/cleaner.toml", "where the service looks for it"),
    ),
    "check": (("check", ""), ("-c other.toml check", "another configuration")),
    "login": (
        ("login gmail", "the only mailbox of that server"),
        ("login office ann@harbor.example", "one of several"),
        ("login office ann@harbor.example --forget", "erase what is kept"),
    ),
    "scan": (
        ("scan --preview --mailbox ann@harbor.example", "what it would do, before she agreed"),
        ("scan --dry-run", "what it would do, in all mailboxes that opted in"),
        ("scan", "clean them"),
        ("scan --since 7d", "judge the last week again"),
    ),
    "serve": (
        ("serve", "until it is ended"),
        ("-c /etc/bounce-cleaner/cleaner.toml serve", "as a system service"),
        ("serve --schedule-only", "where workers on other machines do the work"),
    ),
    "worker": (("worker", ""), ("worker --workers 32", "as many mailboxes at a time")),
    "history": (
        ("history", "the latest changes and runs"),
        ("history --mailbox ann@harbor.example --since 7d", "one mailbox, one week"),
    ),
    "undo": (
        ("undo --entry 17", "one message"),
        ("undo --run 20261124-1215-k7fq", "all that a run did"),
        ("undo --mailbox ann@harbor.example --since 2d", "all of one mailbox since then"),
    ),
    "report": (
        ("report --since 7d", "the last week"),
        ("report --svg days.svg", "and its days as a picture"),
    ),
    "status": (("status", ""), ("status --format jsonl", "for monitoring")),
    "classify": (
        ("classify message.eml", ""),
        ("classify --mailbox ann@harbor.example ~/Maildir", "by her addresses and sent mail"),
        ("classify --all --format jsonl archive.mbox", "every message, for programs"),
        ("classify - < message.eml", "from standard input"),
    ),
    "rules": (("rules", ""),),
    "evaluate": (
        ("evaluate worlds", ""),
        ("evaluate --by kind --by tag worlds", "grouped"),
        ("evaluate --ablate --model none worlds", "what each rule is worth"),
    ),
    "train": (("train", ""), ("train --candidate", "it only judges along")),
    "optin add": (
        ("optin add ann@harbor.example", "she agreed herself"),
        ("optin add ann@harbor.example --preview 0", "act at once, without the week of reports"),
    ),
    "optin import": (
        ("optin import mailboxes.csv", ""),
        ("optin import --basis 'works agreement 7' command:/usr/local/bin/mailboxes", "asked of a directory"),
    ),
    "optin invite": (
        ("optin invite ann@harbor.example", "prints a letter for her"),
        ("optin invite --put --list mailboxes.csv", "puts one into each mailbox"),
    ),
    "optin confirm": (("optin confirm k7fq-3m2p-ahx4-twd6", "she gave back the code"),),
    "optin list": (("optin list", ""),),
    "optin show": (("optin show ann@harbor.example", ""),),
    "optin pause": (("optin pause ann@harbor.example", ""),),
    "optin remove": (("optin remove ann@harbor.example", ""),),
    "ledger import": (
        ("ledger import /var/log/mail.log /var/log/mail.log.1", "Postfix or Exim"),
        ("ledger import MSGTRK*.LOG", "Exchange message tracking"),
    ),
    "store move-to": (("store move-to postgresql://cleaner@db.harbor.example/cleaner", ""),),
    "label list": (("label list", ""),),
    "label withdraw": (("label withdraw 17", ""),),
    "label import": (("label import samples", "folders genuine, backscatter and not-a-bounce in it"),),
    "label export": (("label export labels.tar.gz", ""),),
    "label samples": (("label samples --mailbox ann@harbor.example", ""),),
    "models list": (("models list", ""),),
    "models show": (("models show 2026.11-2", ""),),
    "models promote": (("models promote 2026.11-2", ""),),
    "models shadow": (("models shadow harbor-2026.11.24-1", ""), ("models shadow none", "no candidate")),
    "models compare": (("models compare", "the candidate that judges along"), ("models compare --all", "")),
    "models rollback": (("models rollback", ""),),
}
