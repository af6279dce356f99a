"""What a real Exim writes into its log is read."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path

import pytest

from cleaner.ledger import LogFile, Place, TransportLog
from cleaner.ledger.times import Clock

EXIM = shutil.which("exim4", path="/usr/sbin:/usr/bin") or shutil.which("exim")

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.skipif(
        EXIM is None or os.geteuid() != 0,
        reason="Exim with a configuration of one's own needs root and: apt-get install exim4-daemon-heavy",
    ),
]

CONFIGURATION = """\
primary_hostname = mx1.harbor.example
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
log_selector = +subject +received_recipients {selector}
keep_environment =
begin routers
refused:
  driver = redirect
  local_parts = nobody
  data = :fail: unknown user
  allow_fail
alias:
  driver = redirect
  local_parts = team
  data = dora@harbor.example
out:
  driver = accept
  transport = out
begin transports
out:
  driver = appendfile
  file = {folder}/out
  user = {user}
"""
MAIL = """\
From: Ann <ann@harbor.example>
To: bob@far.example, team@harbor.example, nobody@far.example
Subject: The "quay" id=evil@x for eve@far.example
Message-ID: <a1@mail.harbor.example>

Dear Bob
"""


@pytest.mark.parametrize("selector", ["", "+pid", "+millisec", "-received_recipients -subject"])
def test_its_log_is_read(selector: str) -> None:
    # Exim gives its rights up: every folder above must be open to its account.
    folder = Path(f"/var/tmp/exim-{os.getpid()}-{abs(hash(selector))}")  # noqa: S108
    user = pwd.getpwnam("Debian-exim")
    (folder / "spool").mkdir(parents=True)
    try:
        for path in (folder, folder / "spool"):
            os.chown(path, user.pw_uid, user.pw_gid)
        conf = folder / "conf"
        conf.write_text(CONFIGURATION.format(folder=folder, selector=selector, user=user.pw_name))
        command = [str(EXIM), "-C", str(conf), "-odi", "-f", "ann@harbor.example", "-t"]
        subprocess.run(command, input=MAIL, text=True, check=True, capture_output=True)
        log = LogFile(folder / "mainlog")
        reader = TransportLog(lambda sender: sender == "ann@harbor.example")
        clock = Clock(log.written)
        (mail,) = [m for offset, line in log.lines() for m in reader.read(line, Place(0, offset), clock)]
    finally:
        shutil.rmtree(folder)
    assert mail.message_ids == ("<a1@mail.harbor.example>",)
    assert {"bob@far.example", "team@harbor.example", "nobody@far.example"} <= set(mail.recipients)
    assert "eve@far.example" not in mail.recipients
    assert mail.submitted
    assert mail.subject == ("" if selector.startswith("-") else 'The "quay" id=evil@x for eve@far.example')
    assert not list(reader.unfinished())
