-- +goose Up
-- The tables of the central store, in one text for SQLite and PostgreSQL. Three words differ and are replaced when the
-- file is read (migrate.go): BLOB, INTEGER PRIMARY KEY, WITHOUT ROWID. A line that begins with "--postgres " or
-- "--sqlite " is a statement of that engine alone.
--
-- Ids are TEXT, times BIGINT Unix milliseconds (0: not yet), binary values BLOB. Keys begin with a scope, an area or a
-- home (the province of a replica), so that a country can be partitioned later; a record is found by its id alone and
-- can be partitioned by its hash. Migrations only go forward, and a released file is never edited.

-- What this store is: server, epoch, server_key, replica, replica_key, areas_version …
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);

-- Areas that no official list holds (villages); the national ones are built in. valid_to is exclusive, '' without end.
CREATE TABLE area (
    code TEXT NOT NULL, level TEXT NOT NULL, name TEXT NOT NULL, unit_type TEXT NOT NULL DEFAULT '',
    parent_code TEXT NOT NULL, valid_from TEXT NOT NULL, valid_to TEXT NOT NULL, added_at BIGINT NOT NULL,
    PRIMARY KEY (code, valid_from)
);

-- Identity: never travels to a tablet, except its own.
CREATE TABLE account (
    account TEXT PRIMARY KEY, home TEXT NOT NULL DEFAULT '', name TEXT NOT NULL, role TEXT NOT NULL,
    phone TEXT NOT NULL DEFAULT '', password TEXT NOT NULL DEFAULT '', lang TEXT NOT NULL DEFAULT 'vi',
    created_at BIGINT NOT NULL, disabled_at BIGINT NOT NULL DEFAULT 0
);

-- A grant of an area covers what lies below it. how is '' while it lasts, then 'ended' (work that arrives later is
-- published) or 'revoked' (it is held).
CREATE TABLE area_grant (
    account TEXT NOT NULL, area TEXT NOT NULL, since BIGINT NOT NULL, by_account TEXT NOT NULL DEFAULT '',
    ended_at BIGINT NOT NULL DEFAULT 0, how TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (account, area, since)
);
CREATE INDEX area_grant_area ON area_grant (area);

CREATE TABLE device (
    id INTEGER PRIMARY KEY, account TEXT NOT NULL, token_hash BLOB NOT NULL UNIQUE, hw TEXT NOT NULL DEFAULT '',
    app TEXT NOT NULL DEFAULT '', created_at BIGINT NOT NULL, last_contact BIGINT NOT NULL DEFAULT 0,
    clock_skew BIGINT NOT NULL DEFAULT 0, revoked_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX device_account ON device (account);

-- A one-time enrolment code, kept as its hash. The same code with the same replica and key gets the same answer again.
CREATE TABLE enrol_code (
    code_hash BLOB PRIMARY KEY, account TEXT NOT NULL, by_account TEXT NOT NULL DEFAULT '', created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL, used_at BIGINT NOT NULL DEFAULT 0, replica TEXT NOT NULL DEFAULT '',
    pub BLOB, device BIGINT NOT NULL DEFAULT 0, answer TEXT NOT NULL DEFAULT ''
);

-- Sessions of the console.
CREATE TABLE session (token TEXT PRIMARY KEY, data BLOB NOT NULL, expiry BIGINT NOT NULL);
CREATE INDEX session_expiry ON session (expiry);

-- Who did what to accounts, grants, devices, holds and cuts: append-only, each row chained to the one before.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY, at BIGINT NOT NULL, actor TEXT NOT NULL, device BIGINT NOT NULL DEFAULT 0, act TEXT NOT NULL,
    object TEXT NOT NULL, area TEXT NOT NULL DEFAULT '', detail TEXT NOT NULL DEFAULT '', h BLOB NOT NULL
);

-- A replica's key and account are bound at first contact, its home is the province of the account then and never changes.
-- state: accepted, unaccepted (carried here, nobody has accepted it yet), fork (the second branch of fork_of from
-- fork_at on), server (this store's own, also of earlier epochs).
CREATE TABLE replica (
    replica TEXT PRIMARY KEY, home TEXT NOT NULL, pub BLOB NOT NULL, account TEXT NOT NULL, device BIGINT NOT NULL DEFAULT 0,
    state TEXT NOT NULL, seq BIGINT NOT NULL DEFAULT 0, h BLOB NOT NULL, fork_of TEXT NOT NULL DEFAULT '',
    fork_at BIGINT NOT NULL DEFAULT 0, created_at BIGINT NOT NULL, last_push BIGINT NOT NULL DEFAULT 0,
    hello_at BIGINT NOT NULL DEFAULT 0, acked BIGINT NOT NULL DEFAULT 0, saw TEXT NOT NULL DEFAULT ''
);
CREATE INDEX replica_account ON replica (account);

-- Every change, verbatim, append-only; a body is stored here and nowhere else. state: published, flagged (published, with
-- an issue), held, quarantine, refused (its skeleton is published), erased. why names the reason of a state other than published.
-- was is the dot a re-issued change had before its fork was repaired.
CREATE TABLE change (
    home TEXT NOT NULL, replica TEXT NOT NULL, seq BIGINT NOT NULL, h BLOB NOT NULL, rec TEXT NOT NULL, kind TEXT NOT NULL,
    recv_at BIGINT NOT NULL, state TEXT NOT NULL, why TEXT NOT NULL, bytes BLOB NOT NULL,
    PRIMARY KEY (home, replica, seq)
);
--postgres ALTER TABLE change ALTER COLUMN bytes SET STORAGE EXTERNAL;
CREATE INDEX change_unusual ON change (state, home, replica, seq) WHERE state <> 'published';

-- The signed heads under which changes came: what proves a feed, and what a relay passes on.
CREATE TABLE segment (
    home TEXT NOT NULL, replica TEXT NOT NULL, to_seq BIGINT NOT NULL, from_seq BIGINT NOT NULL, h BLOB NOT NULL, sig BLOB NOT NULL,
    device BIGINT NOT NULL, recv_at BIGINT NOT NULL,
    PRIMARY KEY (home, replica, to_seq, from_seq)
);

-- What people decided about held changes: released or refused, once each.
CREATE TABLE decision (
    home TEXT NOT NULL, replica TEXT NOT NULL, seq BIGINT NOT NULL, outcome TEXT NOT NULL, why TEXT NOT NULL,
    by_account TEXT NOT NULL, at BIGINT NOT NULL,
    PRIMARY KEY (home, replica, seq)
);

-- What pull reads: positions are dense in a scope and in commit order. what: c (a change), g (the record has left the
-- scope), e (erase: the dot in replica and seq).
CREATE TABLE feed (
    scope TEXT NOT NULL, pos BIGINT NOT NULL, what TEXT NOT NULL, rec TEXT NOT NULL, home TEXT NOT NULL, replica TEXT NOT NULL, seq BIGINT NOT NULL,
    PRIMARY KEY (scope, pos)
) WITHOUT ROWID;

-- A scope's last position, and count and sum (32 bytes, big-endian, mod 2^256) of what its records have seen.
CREATE TABLE scope_head (
    scope TEXT PRIMARY KEY, pos BIGINT NOT NULL, fp_count BIGINT NOT NULL, fp_sum BLOB NOT NULL
);

-- The merged state of each record without values (sync: AppendStored), and what lists need to show it. ver grows with
-- every write and guards read-merge-write. scopes: where it is, sorted, one space between; villages: every village ever
-- written (households). household: whose it is (interviews), both of a link with one space between; area: the village it
-- counts in. view is JSON; tally is what it adds to the counters of (round, standard), and of which areas; basis names
-- the standard and the area table the view was judged by; fold is what a search by name compares.
CREATE TABLE record (
    rec TEXT PRIMARY KEY, kind TEXT NOT NULL, ver BIGINT NOT NULL, scopes TEXT NOT NULL, villages TEXT NOT NULL,
    household TEXT NOT NULL, round TEXT NOT NULL, area TEXT NOT NULL, class TEXT NOT NULL, open_hard BIGINT NOT NULL,
    open_soft BIGINT NOT NULL, rank BIGINT NOT NULL, standard TEXT NOT NULL, basis TEXT NOT NULL, tally TEXT NOT NULL, fold TEXT NOT NULL,
    fp_count BIGINT NOT NULL, fp_sum BLOB NOT NULL, state BLOB NOT NULL, view TEXT NOT NULL, changed_at BIGINT NOT NULL
);

-- Which records are in a scope, since which position of its feed.
CREATE TABLE record_scope (
    scope TEXT NOT NULL, kind TEXT NOT NULL, rec TEXT NOT NULL, since BIGINT NOT NULL,
    PRIMARY KEY (scope, rec)
) WITHOUT ROWID;

-- Records that follow a household: its interviews and links, also those that came before it.
CREATE TABLE related (
    household TEXT NOT NULL, rec TEXT NOT NULL,
    PRIMARY KEY (household, rec)
) WITHOUT ROWID;

-- Totals of each area, kept in the transaction that changes a record; see Tally for the columns.
CREATE TABLE counter (
    area TEXT NOT NULL, round TEXT NOT NULL, standard TEXT NOT NULL,
    listed BIGINT NOT NULL, interviews BIGINT NOT NULL, interviewed BIGINT NOT NULL, complete BIGINT NOT NULL, visited BIGINT NOT NULL, waiting BIGINT NOT NULL,
    poor BIGINT NOT NULL, near_poor BIGINT NOT NULL, not_poor BIGINT NOT NULL, undetermined BIGINT NOT NULL,
    poor_low BIGINT NOT NULL, poor_high BIGINT NOT NULL, near_low BIGINT NOT NULL, near_high BIGINT NOT NULL,
    persons BIGINT NOT NULL, poor_persons BIGINT NOT NULL, near_persons BIGINT NOT NULL, average BIGINT NOT NULL, average_persons BIGINT NOT NULL,
    conflicts BIGINT NOT NULL,
    PRIMARY KEY (area, round, standard)
);

-- Matters for a board that are not conflicts of one unit: flags, semantic conflicts. detail is JSON.
CREATE TABLE issue (
    scope TEXT NOT NULL, rec TEXT NOT NULL, code TEXT NOT NULL, unit TEXT NOT NULL, detail TEXT NOT NULL, at BIGINT NOT NULL,
    PRIMARY KEY (scope, rec, code, unit)
);
CREATE INDEX issue_rec ON issue (rec);

-- Stored, compressed snapshots, a day each.
CREATE TABLE snapshot (
    scope TEXT NOT NULL, epoch TEXT NOT NULL, pos BIGINT NOT NULL, made_at BIGINT NOT NULL, bytes BLOB NOT NULL,
    PRIMARY KEY (scope, epoch, pos)
);

-- Receipts of a server above this one (a relay keeps and returns them).
CREATE TABLE receipt (
    home TEXT NOT NULL, replica TEXT NOT NULL, server TEXT NOT NULL, epoch TEXT NOT NULL, seq BIGINT NOT NULL, h BLOB NOT NULL,
    level TEXT NOT NULL, sig BLOB NOT NULL, at BIGINT NOT NULL,
    PRIMARY KEY (home, replica, server)
);
