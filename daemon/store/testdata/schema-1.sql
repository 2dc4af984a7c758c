-- A database of schema 1.
CREATE TABLE incidents (
	id TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, type TEXT NOT NULL, prefix TEXT NOT NULL, status TEXT NOT NULL,
	severity TEXT NOT NULL, started INTEGER NOT NULL, updated INTEGER NOT NULL, resolved INTEGER,
	told TEXT NOT NULL, notice BLOB, state BLOB
) WITHOUT ROWID;
CREATE INDEX incidents_open ON incidents (started) WHERE resolved IS NULL;
CREATE INDEX incidents_by_time ON incidents (updated);
CREATE TABLE outbox (
	seq INTEGER PRIMARY KEY, delivery TEXT NOT NULL, channel TEXT NOT NULL, incident TEXT NOT NULL, body BLOB NOT NULL,
	created INTEGER NOT NULL, dead INTEGER NOT NULL, attempts INTEGER NOT NULL, next_at INTEGER, error TEXT NOT NULL
);
CREATE INDEX outbox_pending ON outbox (channel, seq) WHERE dead = 0;
CREATE INDEX outbox_dead ON outbox (seq) WHERE dead = 1;
CREATE TABLE kv (kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE TABLE events (
	seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, type TEXT NOT NULL, severity TEXT NOT NULL, prefix TEXT NOT NULL,
	peer TEXT NOT NULL, pop TEXT NOT NULL, detail BLOB
);
CREATE INDEX events_by_time ON events (at);
CREATE INDEX events_by_prefix ON events (prefix, at);
CREATE TABLE latency (
	pop TEXT NOT NULL, at INTEGER NOT NULL, source TEXT NOT NULL, method TEXT NOT NULL, span INTEGER NOT NULL,
	sent INTEGER NOT NULL, received INTEGER NOT NULL, late INTEGER NOT NULL, duplicate INTEGER NOT NULL,
	min INTEGER NOT NULL, p50 INTEGER NOT NULL, p95 INTEGER NOT NULL, p99 INTEGER NOT NULL, max INTEGER NOT NULL,
	PRIMARY KEY (pop, at, source, method)
) WITHOUT ROWID;
CREATE INDEX latency_by_time ON latency (at);
INSERT INTO incidents VALUES ('i1', 'f1', 'subprefix', '203.0.113.0/24', 'updated', 'critical', 1795341600123456, 1795341609123456, NULL, '{"noc":true}', '{}', '{}');
INSERT INTO incidents VALUES ('i2', 'f2', 'route_leak', '203.0.113.0/24', 'resolved', 'error', 1795341600123456, 1795345200123456, 1795345200123456, 'null', '{}', '{}');
INSERT INTO outbox VALUES (1, 'd1', 'noc', 'i1', '{}', 1795341600123456, 0, 2, 1795341660123456, 'answered 500');
INSERT INTO outbox VALUES (2, 'd2', 'noc', 'i1', '{}', 1795341600123456, 1, 1, NULL, 'answered 400');
INSERT INTO kv VALUES ('memory', '203.0.113.0/24', '{}');
INSERT INTO events (at, type, severity, prefix, peer, pop, detail) VALUES (1795341600123456, 'session_up', 'info', '203.0.113.0/24', 'edge1', '', '""');
INSERT INTO latency VALUES ('par1', 1795341600123456, '', 'icmp', 10000000, 5, 4, 1, 0, 1000, 2000, 3000, 4000, 5000);
PRAGMA user_version = 1;
