BEGIN TRANSACTION;
CREATE TABLE access (
	id INTEGER NOT NULL, 
	mailbox_id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	"by" TEXT NOT NULL, 
	purpose TEXT NOT NULL, 
	run TEXT, 
	CONSTRAINT pk_access PRIMARY KEY (id), 
	CONSTRAINT fk_access_mailbox_id FOREIGN KEY(mailbox_id) REFERENCES mailbox (id) ON DELETE CASCADE
);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE consent (
	id INTEGER NOT NULL, 
	mailbox_id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	"by" TEXT NOT NULL, 
	basis TEXT NOT NULL, 
	note TEXT NOT NULL, 
	preview_until DATETIME, 
	CONSTRAINT pk_consent PRIMARY KEY (id), 
	CONSTRAINT fk_consent_mailbox_id FOREIGN KEY(mailbox_id) REFERENCES mailbox (id) ON DELETE CASCADE
);
INSERT INTO "consent" VALUES(1,1,'2026-11-20 12:00:00.000000','opted-in','root','owner','',NULL);
CREATE TABLE folder_cursor (
	mailbox_id INTEGER NOT NULL, 
	folder TEXT NOT NULL, 
	cursor TEXT NOT NULL, 
	CONSTRAINT pk_folder_cursor PRIMARY KEY (mailbox_id, folder), 
	CONSTRAINT fk_folder_cursor_mailbox_id FOREIGN KEY(mailbox_id) REFERENCES mailbox (id) ON DELETE CASCADE
);
INSERT INTO "folder_cursor" VALUES(1,'INBOX','5');
CREATE TABLE journal (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	run TEXT NOT NULL, 
	mailbox_id INTEGER NOT NULL, 
	fingerprint VARCHAR(64) NOT NULL, 
	occurrence INTEGER NOT NULL, 
	action VARCHAR(16) NOT NULL, 
	folder TEXT NOT NULL, 
	message TEXT NOT NULL, 
	target TEXT NOT NULL, 
	new_id TEXT, 
	flags JSON NOT NULL, 
	received DATETIME, 
	message_id TEXT, 
	state VARCHAR(16) NOT NULL, 
	intended_at DATETIME NOT NULL, 
	settled_at DATETIME, 
	error TEXT, 
	CONSTRAINT fk_journal_mailbox_id FOREIGN KEY(mailbox_id) REFERENCES mailbox (id) ON DELETE CASCADE, 
	CONSTRAINT uq_journal_mailbox_id_fingerprint_occurrence_action UNIQUE (mailbox_id, fingerprint, occurrence, action)
);
INSERT INTO "journal" VALUES(1,'r1',1,'f1',0,'move','INBOX','m1','Backscatter',NULL,'["S"]','2026-11-20 12:00:00.000000',NULL,'intended','2026-11-20 12:00:00.000000',NULL,NULL);
INSERT INTO "journal" VALUES(2,'r1',1,'f2',0,'move','INBOX','m2','Backscatter',NULL,'["S"]','2026-11-20 12:00:00.000000',NULL,'intended','2026-11-20 12:00:00.000000',NULL,NULL);
CREATE TABLE mailbox (
	id INTEGER NOT NULL, 
	address TEXT NOT NULL, 
	organisation_id INTEGER, 
	definition JSON, 
	CONSTRAINT pk_mailbox PRIMARY KEY (id), 
	CONSTRAINT fk_mailbox_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id), 
	CONSTRAINT uq_mailbox_address UNIQUE (address)
);
INSERT INTO "mailbox" VALUES(1,'ann@harbor.example',NULL,NULL);
CREATE TABLE meta (
	name VARCHAR(64) NOT NULL, 
	value BLOB NOT NULL, 
	CONSTRAINT pk_meta PRIMARY KEY (name)
);
INSERT INTO "meta" VALUES('key-check',X'B13D222D345CCEF7A5C93BB742093434');
CREATE TABLE notice (
	id INTEGER NOT NULL, 
	mailbox_id INTEGER NOT NULL, 
	fingerprint VARCHAR(64) NOT NULL, 
	folder TEXT NOT NULL, 
	message TEXT NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	opinion VARCHAR(16) NOT NULL, 
	action VARCHAR(16) NOT NULL, 
	outcome VARCHAR(16) NOT NULL, 
	judged_at DATETIME NOT NULL, 
	received DATETIME, 
	knowledge VARCHAR(64) NOT NULL, 
	proven BOOLEAN NOT NULL, 
	in_record BOOLEAN NOT NULL, 
	subject BLOB, 
	reporter BLOB, 
	report JSON, 
	CONSTRAINT pk_notice PRIMARY KEY (id), 
	CONSTRAINT fk_notice_mailbox_id FOREIGN KEY(mailbox_id) REFERENCES mailbox (id) ON DELETE CASCADE, 
	CONSTRAINT uq_notice_mailbox_id_fingerprint UNIQUE (mailbox_id, fingerprint)
);
INSERT INTO "notice" VALUES(1,1,'f1','INBOX','m1','ndr','backscatter','move','done','2026-11-20 12:00:00.000000','2026-11-20 12:00:00.000000','k1',0,0,NULL,NULL,'{"verdict": "backscatter"}');
CREATE TABLE organisation (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	CONSTRAINT pk_organisation PRIMARY KEY (id), 
	CONSTRAINT uq_organisation_name UNIQUE (name)
);
CREATE TABLE run (
	id TEXT NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	started DATETIME NOT NULL, 
	finished DATETIME, 
	state VARCHAR(16) NOT NULL, 
	looked_at INTEGER NOT NULL, 
	moved INTEGER NOT NULL, 
	since DATETIME, 
	CONSTRAINT pk_run PRIMARY KEY (id)
);
CREATE TABLE run_stop (
	run_id TEXT NOT NULL, 
	address TEXT NOT NULL, 
	confirmed_at DATETIME, 
	CONSTRAINT pk_run_stop PRIMARY KEY (run_id, address), 
	CONSTRAINT fk_run_stop_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
CREATE TABLE sent (
	id INTEGER NOT NULL, 
	mailbox_id INTEGER NOT NULL, 
	identity BLOB NOT NULL, 
	host BLOB NOT NULL, 
	subject BLOB, 
	time DATETIME NOT NULL, 
	recipients INTEGER NOT NULL, 
	CONSTRAINT pk_sent PRIMARY KEY (id), 
	CONSTRAINT fk_sent_mailbox_id FOREIGN KEY(mailbox_id) REFERENCES mailbox (id) ON DELETE CASCADE, 
	CONSTRAINT uq_sent_mailbox_id_identity UNIQUE (mailbox_id, identity)
);
INSERT INTO "sent" VALUES(1,1,X'8B2990FDF9B57D83792344EB435EA364',X'0AE51F0E817FE8FD0B15FF94C4DA2D00',X'F64C2B2DFE4B2A2FA427266482FC1396','2026-11-20 12:00:00.000000',1);
CREATE TABLE sent_cursor (
	mailbox_id INTEGER NOT NULL, 
	folder TEXT NOT NULL, 
	cursor TEXT NOT NULL, 
	CONSTRAINT pk_sent_cursor PRIMARY KEY (mailbox_id, folder), 
	CONSTRAINT fk_sent_cursor_mailbox_id FOREIGN KEY(mailbox_id) REFERENCES mailbox (id) ON DELETE CASCADE
);
INSERT INTO "sent_cursor" VALUES(1,'Sent','6');
CREATE TABLE sent_host (
	mailbox_id INTEGER NOT NULL, 
	host BLOB NOT NULL, 
	mails INTEGER NOT NULL, 
	CONSTRAINT pk_sent_host PRIMARY KEY (mailbox_id, host), 
	CONSTRAINT fk_sent_host_mailbox_id FOREIGN KEY(mailbox_id) REFERENCES mailbox (id) ON DELETE CASCADE
);
INSERT INTO "sent_host" VALUES(1,X'0AE51F0E817FE8FD0B15FF94C4DA2D00',1);
CREATE TABLE sent_recipient (
	sent_id INTEGER NOT NULL, 
	address BLOB NOT NULL, 
	mailbox_id INTEGER NOT NULL, 
	domain BLOB NOT NULL, 
	time DATETIME NOT NULL, 
	CONSTRAINT pk_sent_recipient PRIMARY KEY (sent_id, address), 
	CONSTRAINT fk_sent_recipient_mailbox_id FOREIGN KEY(mailbox_id) REFERENCES mailbox (id) ON DELETE CASCADE, 
	CONSTRAINT fk_sent_recipient_sent_id FOREIGN KEY(sent_id) REFERENCES sent (id) ON DELETE CASCADE
);
INSERT INTO "sent_recipient" VALUES(1,X'A250E96C2259690073F4E955EF696121',1,X'B0A5F6D714F67A2A2DE0A20B028DFF40','2026-11-20 12:00:00.000000');
CREATE INDEX ix_run_started ON run (started);
CREATE INDEX ix_access_mailbox_id ON access (mailbox_id);
CREATE INDEX ix_consent_mailbox_id ON consent (mailbox_id);
CREATE INDEX ix_journal_mailbox_id_intended_at ON journal (mailbox_id, intended_at);
CREATE INDEX ix_journal_mailbox_id_state ON journal (mailbox_id, state);
CREATE INDEX ix_journal_run ON journal (run);
CREATE INDEX ix_notice_mailbox_id_action_outcome ON notice (mailbox_id, action, outcome);
CREATE INDEX ix_notice_mailbox_id_opinion_knowledge ON notice (mailbox_id, opinion, knowledge);
CREATE INDEX ix_notice_mailbox_id_proven_in_record ON notice (mailbox_id, proven, in_record);
CREATE INDEX ix_notice_mailbox_id_received ON notice (mailbox_id, received);
CREATE INDEX ix_sent_mailbox_id_subject_time ON sent (mailbox_id, subject, time);
CREATE INDEX ix_sent_mailbox_id_time ON sent (mailbox_id, time);
CREATE INDEX ix_sent_recipient_mailbox_id_address_time ON sent_recipient (mailbox_id, address, time);
CREATE INDEX ix_sent_recipient_mailbox_id_domain ON sent_recipient (mailbox_id, domain);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('journal',2);
COMMIT;
